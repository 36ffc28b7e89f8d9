package wire_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"iter"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/wire"
	"github.com/outcrop-ai/outcrop/internal/wire/eventstream"
)

// serve is start for a test that ends the server itself.
func serve(t *testing.T, h http.Handler, cfg wire.ServerConfig) (addr string, stop context.CancelFunc, done <-chan error) {
	t.Helper()
	cfg.Handler = h
	s, err := wire.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	return l.Addr().String(), cancel, ended
}

// TestDrain ends a server under a stream: one that ends by itself in time and one
// that does not.
func TestDrain(t *testing.T) {
	t.Parallel()
	for _, h2 := range []bool{false, true} {
		release := make(chan struct{})
		rt := &runtime{stream: func(ctx context.Context) iter.Seq2[*event, error] {
			return func(yield func(*event, error) bool) {
				if !yield(delta("x"), nil) {
					return
				}
				select {
				case <-release:
					yield(delta("y"), nil)
				case <-ctx.Done():
					yield(nil, context.Cause(ctx))
				}
			}
		}}
		for _, inTime := range []bool{true, false} {
			cfg := wire.ServerConfig{DrainTimeout: 10 * time.Second}
			if !inTime {
				cfg.DrainTimeout = 50 * time.Millisecond
			}
			addr, stop, done := serve(t, newHandler(t, testConfig(rt)), cfg)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+streamPath, strings.NewReader(hello))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := newClient(t, h2).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			frames := eventstream.NewReader(resp.Body, 0)
			if _, err := frames.Next(); err != nil {
				t.Fatal(err)
			}
			stop()
			if inTime {
				release <- struct{}{}
			}
			m, err := frames.Next()
			if err != nil {
				t.Fatalf("h2 %t, in time %t: %v", h2, inTime, err)
			}
			kind := m.Headers[0].Text()
			if want := map[bool]string{true: "contentBlockDelta", false: "serviceUnavailableException"}[inTime]; kind != want {
				t.Errorf("h2 %t: the stream went on with %q, want %q", h2, kind, want)
			}
			if _, err := frames.Next(); !errors.Is(err, io.EOF) {
				t.Errorf("end of the stream: %v", err)
			}
			_ = resp.Body.Close()
			if err := <-done; err != nil {
				t.Errorf("serve: %v", err)
			}
			if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr); err == nil {
				_ = c.Close()
				t.Error("still listening")
			}
		}
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	cert, pool := selfSigned(t)
	addr := start(t, newHandler(t, testConfig(&runtime{})), wire.ServerConfig{
		TLS: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
	})
	for _, h2 := range []bool{false, true} {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, Protocols: new(http.Protocols)}
		tr.Protocols.SetHTTP1(!h2)
		tr.Protocols.SetHTTP2(h2)
		t.Cleanup(tr.CloseIdleConnections)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+addr+"/model/m/converse", strings.NewReader(hello))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := (&http.Client{Transport: tr}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK || (resp.ProtoMajor == 2) != h2 {
			t.Errorf("h2 %t: %s %s", h2, resp.Proto, resp.Status)
		}
	}
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// TestMaxConns checks that idle connections make room, and busy ones do not.
func TestMaxConns(t *testing.T) {
	t.Parallel()
	var running atomic.Int64
	addr := start(t, newHandler(t, testConfig(&runtime{stream: endless(&running)})), wire.ServerConfig{MaxConns: 2})
	request := "POST " + streamPath + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
	open := func() net.Conn {
		c := dial(t, addr)
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		return c
	}
	idle := dial(t, addr)
	busy := open()
	eventually(t, func() bool { return running.Load() == 1 })
	third := open() // takes the place of the idle one
	eventually(t, func() bool { return running.Load() == 2 })
	if _, err := idle.Read(make([]byte, 1)); err == nil {
		t.Error("the idle connection is still open")
	}
	fourth := dial(t, addr)
	if _, err := fourth.Read(make([]byte, 1)); err == nil {
		t.Error("a connection too many is open")
	}
	_ = busy.Close()
	_ = third.Close()
	eventually(t, func() bool { return running.Load() == 0 })
}

// TestUnreadResponse has a client that does not read: it must not hold its handler.
func TestUnreadResponse(t *testing.T) {
	t.Parallel()
	var running atomic.Int64
	flood := func(ctx context.Context) iter.Seq2[*event, error] {
		return func(yield func(*event, error) bool) {
			running.Add(1)
			defer running.Add(-1)
			for ctx.Err() == nil && yield(delta(strings.Repeat("x", 64<<10)), nil) {
			}
		}
	}
	cfg := testConfig(&runtime{stream: flood})
	cfg.WriteTimeout = 200 * time.Millisecond
	addr := start(t, newHandler(t, cfg), wire.ServerConfig{WriteTimeout: 200 * time.Millisecond})
	c := dial(t, addr)
	if _, err := io.WriteString(c, "POST "+streamPath+" HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return running.Load() == 1 })
	eventually(t, func() bool { return running.Load() == 0 })

	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+streamPath, strings.NewReader(hello))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := newClient(t, true).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it broke off
	eventually(t, func() bool { return running.Load() == 0 })
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("a stream that was given up ended well")
	}
}
