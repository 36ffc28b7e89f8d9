package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	openaibackend "github.com/outcrop-ai/outcrop/internal/backend/openai"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/server/config"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// fails makes a server that cannot start, and returns why.
func fails(t *testing.T, c config.Config) string {
	t.Helper()
	s, err := New(t.Context(), c, quiet())
	if err == nil {
		t.Errorf("the server starts")
		_ = s.Close()
		return ""
	}
	return err.Error()
}

func TestSecondServer(t *testing.T) {
	t.Parallel()
	i := start(t)
	same := i.c
	if got := fails(t, same); !strings.Contains(got, i.c.Data) || !strings.Contains(got, "another") {
		t.Errorf("on the same folder: %s", got)
	}
	port := testConfig(t)
	port.Listen = i.Addr()
	if got := fails(t, port); !strings.Contains(got, "address already in use") || !strings.Contains(got, "--listen") {
		t.Errorf("on the same port: %s", got)
	}
	i.healthy() // the first is none the worse
	if err := i.stop(); err != nil {
		t.Fatal(err)
	}
	again := startWith(t, i.c) // the folder is free again
	if again.root != i.root {
		t.Error("a second start made another root key")
	}
	again.healthy()
	if got := len(again.records()); got != 2 {
		t.Errorf("%d records after two starts and a call in each", got)
	}
}

func TestBadFolders(t *testing.T) {
	t.Parallel()
	file := testConfig(t)
	file.Data = writeFile(t, t.TempDir(), "data", "I am a file")
	if got := fails(t, file); !strings.Contains(got, file.Data) || !strings.Contains(got, "not a directory") {
		t.Errorf("a file as data folder: %s", got)
	}

	blocked := testConfig(t)
	if err := os.MkdirAll(blocked.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, blocked.Data, "ledger", "I am in the way")
	if got := fails(t, blocked); !strings.Contains(got, filepath.Join(blocked.Data, "ledger")) {
		t.Errorf("a file in the ledger's place: %s", got)
	}

	readOnly := testConfig(t)
	if err := os.MkdirAll(readOnly.Data, 0o500); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 { // root writes everywhere
		if got := fails(t, readOnly); !strings.Contains(got, "permission denied") || !strings.Contains(got, readOnly.Data) {
			t.Errorf("a read-only folder: %s", got)
		}
	}

	garbage := testConfig(t)
	if err := os.MkdirAll(garbage.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, garbage.Data, "outcrop.db", strings.Repeat("no database", 1000))
	if got := fails(t, garbage); !strings.Contains(got, "store") || !strings.Contains(got, "not a database") {
		t.Errorf("a file that is no database: %s", got)
	}

	noCert := testConfig(t)
	noCert.TLS = &config.TLS{Cert: "/nowhere.pem", Key: "/nowhere.key"}
	if got := fails(t, noCert); !strings.Contains(got, "tls") || !strings.Contains(got, "/nowhere.pem") {
		t.Errorf("no certificate: %s", got)
	}
	noScript := testConfig(t)
	noScript.Backends["lab"] = config.Backend{Type: "scripted", File: "/nowhere.yaml"}
	if got := fails(t, noScript); !strings.Contains(got, "backends.lab") || !strings.Contains(got, "/nowhere.yaml") {
		t.Errorf("no script: %s", got)
	}
}

// TestDiskFull puts the data folder on a device that is full, where there is one.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	c := testConfig(t)
	if err := os.MkdirAll(filepath.Join(c.Data, "ledger"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/full", filepath.Join(c.Data, "outcrop.db")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full")
	}
	if got := fails(t, c); !strings.Contains(got, "store") {
		t.Errorf("a full disk: %s", got)
	}
}

// TestDrain stops the server under an open stream, which still reaches its end.
func TestDrain(t *testing.T) {
	t.Parallel()
	c := testConfig(t)
	c.Backends["lab"] = config.Backend{Type: "scripted", File: writeFile(t, t.TempDir(), "short.yaml",
		"else: {reply: {text: a b c d e f g h i j, chunk: words, delay: {between: 50ms}}}")}
	i := startWith(t, c)
	resp, err := i.http.Do(i.request(t.Context(), ask{path: converseStream(labChat), body: says("go")}))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	stopped := make(chan error, 1)
	go func() { stopped <- i.stop() }()
	events := frames(t, resp.Body)
	if got := kind(events[len(events)-1]); got != "metadata" {
		t.Errorf("the last of %d frames is %s", len(events), got)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Run: %v", err)
	}
	if resp, err := i.http.Do(i.request(t.Context(), ask{body: says("hello")})); err == nil {
		t.Error("a stopped server answers")
		_ = resp.Body.Close()
	}
	again := startWith(t, c)
	if list := again.records(); len(list) != 1 || list[0].OutputTokens == 0 || list[0].ErrorCode != "" {
		t.Errorf("records after the stop: %+v", list)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key, pool := certificate(t)
	i := start(t, func(c *config.Config) { c.TLS = &config.TLS{Cert: cert, Key: key} })
	if !strings.HasPrefix(i.Endpoint(), "https://") {
		t.Errorf("endpoint %s", i.Endpoint())
	}
	for _, h2 := range []bool{false, true} {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, Protocols: new(http.Protocols)}
		tr.Protocols.SetHTTP1(!h2)
		tr.Protocols.SetHTTP2(h2)
		i.http = &http.Client{Transport: tr}
		i.wantProtocol(h2)
		tr.CloseIdleConnections()
	}
	for _, v := range []string{"h2", "http/1.1"} {
		conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: pool, NextProtos: []string{v}, MinVersion: tls.VersionTLS12}}).DialContext(t.Context(), "tcp", i.Addr())
		if err != nil {
			t.Errorf("ALPN %s: %v", v, err)
			continue
		}
		if got := conn.(*tls.Conn).ConnectionState().NegotiatedProtocol; got != v {
			t.Errorf("ALPN: %q, want %q", got, v)
		}
		_ = conn.Close()
	}
	old := &tls.Dialer{Config: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}}
	if conn, err := old.DialContext(t.Context(), "tcp", i.Addr()); err == nil {
		t.Error("TLS 1.1 is taken")
		_ = conn.Close()
	}
}

// TestClearHTTP2 speaks HTTP/2 with prior knowledge, as JavaScript's clients do.
func TestClearHTTP2(t *testing.T) {
	t.Parallel()
	i := start(t)
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	i.http = &http.Client{Transport: tr}
	i.wantProtocol(true)
	tr.CloseIdleConnections()
}

// wantProtocol makes a call and a stream and looks at their protocol.
func (i *instance) wantProtocol(h2 bool) {
	i.t.Helper()
	for _, path := range []string{converse(labChat), converseStream(labChat)} {
		resp, err := i.http.Do(i.request(i.t.Context(), ask{path: path, body: says("hello")}))
		if err != nil {
			i.t.Errorf("%s: %v", path, err)
			continue
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || (resp.ProtoMajor == 2) != h2 || len(body) == 0 {
			i.t.Errorf("%s: %s %d, %d bytes, %v", path, resp.Proto, resp.StatusCode, len(body), err)
		}
	}
}

// certificate writes a certificate for 127.0.0.1 that signs itself.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	certFile = writeFile(t, dir, "cert.pem", string(certPEM))
	keyFile = writeFile(t, dir, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return certFile, keyFile, pool
}

func TestReload(t *testing.T) {
	t.Parallel()
	i := start(t)
	next := i.c
	next.Backends = map[string]config.Backend{"annex": {Type: "scripted", File: writeFile(t, t.TempDir(), "annex.yaml", "else: {reply: From the annex.}")}}
	next.Models = map[string]config.Model{labChat: {Targets: []string{"annex/a"}}, "annex.new": {Targets: []string{"annex/b"}}}
	next.Account, next.Listen = "999999999999", "127.0.0.1:1"
	slow, err := i.http.Do(i.request(t.Context(), ask{path: converseStream(labChat), body: says("tear")}))
	if err != nil {
		t.Fatal(err)
	}
	restart, err := i.Reload(next)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(restart, ", "); got != "listen, account" {
		t.Errorf("keys that need a restart: %s", got)
	}
	for _, m := range []string{labChat, "annex.new"} {
		a := i.do(ask{path: converse(m), body: says("hello")})
		if !strings.Contains(string(a.body), "From the annex.") || !strings.HasPrefix(a.header.Get("X-Outcrop-Served-By"), "annex/") {
			t.Errorf("%s after the reload: %d %s", m, a.status, a.body)
		}
	}
	i.do(ask{path: converse(twice), body: says("hello")}).wantError(t, "a model that is gone", 400, "ValidationException", "model identifier is invalid")
	if events := frames(t, slow.Body); len(events) < 3 {
		t.Errorf("the stream under way has %d frames", len(events))
	}
	_ = slow.Body.Close()

	// What cannot be taken over changes nothing, in any room.
	for name, spoil := range map[string]func(*config.Config){
		"no such script":    func(c *config.Config) { c.Backends["annex"] = config.Backend{Type: "scripted", File: "/nowhere"} },
		"no such target":    func(c *config.Config) { c.Models[labChat] = config.Model{Targets: []string{"nobody/a"}} },
		"an unknown region": func(c *config.Config) { c.Models["annex.bad"] = config.Model{Regions: []string{"mars-1"}} },
		"it cannot embed": func(c *config.Config) {
			c.Models["amazon.titan-embed-text-v2:0"] = config.Model{Targets: []string{"annex/a"}}
		},
		"a target of nobody": func(c *config.Config) { c.Models["annex.bad"] = config.Model{Targets: []string{"annex"}} },
	} {
		bad := next
		bad.Backends = map[string]config.Backend{"annex": next.Backends["annex"]}
		bad.Models = map[string]config.Model{labChat: next.Models[labChat], "annex.worse": {Targets: []string{"annex/b"}}}
		spoil(&bad)
		if _, err := i.Reload(bad); err == nil {
			t.Errorf("%s: it is taken over", name)
		}
		if i.catalog.Find("annex.worse") != nil || i.catalog.Find("annex.new") == nil {
			t.Errorf("%s: the catalog has the models of a configuration that was refused", name)
		}
		if a := i.do(ask{path: converse("annex.new"), body: says("hello")}); a.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

// ollama is a server that looks like Ollama while on is set.
func ollama(t *testing.T, on *atomic.Bool) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/tags", func(w http.ResponseWriter, _ *http.Request) {
		if !on.Load() {
			http.Error(w, "gone", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"models":[{"name":"qwen3:8b","details":{"family":"qwen3"}}]}`)
	})
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), `"stream":true`) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, `data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":"From the neighbour."},"finish_reason":null}]}`+"\n\n"+
				`data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`+"\n\n"+
				`data: {"id":"1","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}`+"\n\ndata: [DONE]\n\n")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"1","object":"chat.completion","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"From the neighbour."}}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}`)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

// TestDetection lets a model server of this machine come and go.
func TestDetection(t *testing.T) {
	t.Parallel()
	var on atomic.Bool
	c := testConfig(t)
	c.AutoDetect = true
	logs := &logText{}
	s, err := New(t.Context(), c, slog.New(slog.NewTextHandler(logs, nil)))
	if err != nil {
		t.Fatal(err)
	}
	s.detector = openaibackend.Detector{Ollama: ollama(t, &on), Llama: "http://127.0.0.1:1"}
	i := run(t, s, c, logs)
	served := func() string {
		t.Helper()
		a := i.do(ask{path: converse(claude), body: says("hello")})
		if a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
		return a.header.Get("X-Outcrop-Served-By")
	}
	// As long as nothing is there it is Outcrop's own model that answers.
	const own = "embedded/outcrop.reader-v1; fidelity=stand-in"
	if got := served(); got != own {
		t.Errorf("at first %q answers", got)
	}
	find := func(want string) {
		t.Helper()
		var got string
		waitFor(t, want, func() bool { // a busy machine may answer too late for one search
			s.detectOnce(t.Context())
			got = served()
			return got == want
		})
	}
	on.Store(true)
	const neighbour = "ollama/qwen3:8b; fidelity=stand-in"
	find(neighbour)
	if a := i.do(ask{path: converseStream(claude), body: says("hello")}); a.header.Get("X-Outcrop-Served-By") != neighbour {
		t.Errorf("a stream: %v", a.header)
	}
	if a := i.do(ask{body: says("hello")}); !strings.HasPrefix(a.header.Get("X-Outcrop-Served-By"), "lab/") {
		t.Errorf("a model with a target: %v", a.header)
	}
	on.Store(false)
	find(own)
	on.Store(true)
	find(neighbour)
	off := c
	off.AutoDetect = false
	if _, err := s.Reload(off); err != nil {
		t.Fatal(err)
	}
	s.detectOnce(t.Context())
	if got := served(); got != own {
		t.Errorf("with auto_detect off %q answers", got)
	}
	for _, want := range []string{"stands in", "qwen3:8b", "is gone"} {
		if !strings.Contains(logs.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, logs.String())
		}
	}
}

// TestNoStandIns refuses what has no target, and says which line is missing.
func TestNoStandIns(t *testing.T) {
	t.Parallel()
	i := start(t, func(c *config.Config) { c.StandIns = false })
	for _, path := range []string{converse(claude), converseStream(claude)} {
		a := i.do(ask{path: path, body: says("hello")})
		a.wantError(t, path, http.StatusForbidden, "AccessDeniedException", claude)
		for _, want := range []string{"`" + claude + ": [backend/model]`", "under models", "stand_ins"} {
			if !strings.Contains(a.message(), want) {
				t.Errorf("%s: %q does not name %s", path, a.message(), want)
			}
		}
	}
	if a := i.do(ask{body: says("hello")}); a.status != http.StatusOK {
		t.Errorf("a model with a target: %d %s", a.status, a.body)
	}
	if a := i.do(ask{path: converse("outcrop.reader-v1"), body: says("hello")}); a.status != http.StatusOK || !strings.Contains(a.header.Get("X-Outcrop-Served-By"), "fidelity=real") {
		t.Errorf("Outcrop's own, by its name: %d %s %v", a.status, a.body, a.header)
	}
}

func TestRegions(t *testing.T) {
	t.Parallel()
	i := start(t, func(c *config.Config) {
		c.Regions = []string{"us-east-1", "eu-west-1"}
		c.Models["lab.local"] = config.Model{Targets: []string{"lab/chat"}, Regions: []string{"eu-west-1"}}
	})
	if a := i.do(ask{path: converse("lab.local"), region: "eu-west-1", body: says("hello")}); a.status != http.StatusOK {
		t.Errorf("at home: %d %s", a.status, a.body)
	}
	i.do(ask{path: converse("lab.local"), body: says("hello")}).wantError(t, "abroad", 400, "ValidationException", "The provided model identifier is invalid.")
	i.do(ask{method: http.MethodGet, path: "/foundation-models/lab.local"}).wantError(t, "its data abroad", 400, "ValidationException", "The provided model identifier is invalid.")
	here := i.do(ask{method: http.MethodGet, path: "/foundation-models", region: "eu-west-1"})
	there := i.do(ask{method: http.MethodGet, path: "/foundation-models"})
	if !strings.Contains(string(here.body), "lab.local") || strings.Contains(string(there.body), "lab.local") {
		t.Error("the lists of two regions do not tell where the model is")
	}
	for path, status := range map[string]int{
		"/healthz": 200, "/healthz?region=eu-west-1": 200, "/healthz?region=us-west-2": 404, "/readyz": 200, "/debug/pprof/": 403,
	} {
		a := i.do(ask{method: http.MethodGet, path: path, unsigned: true})
		if path == "/debug/pprof/" && a.status == http.StatusOK || path != "/debug/pprof/" && a.status != status {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

// TestNotReady takes the store away.
func TestNotReady(t *testing.T) {
	t.Parallel()
	i := start(t)
	if err := i.db.Close(); err != nil {
		t.Fatal(err)
	}
	a := i.do(ask{method: http.MethodGet, path: "/readyz", unsigned: true})
	if a.status != http.StatusServiceUnavailable || !strings.Contains(string(a.body), "store") || inner.Match(a.body) {
		t.Errorf("/readyz: %d %s", a.status, a.body)
	}
	// Known keys go on working without it.
	if a := i.do(ask{body: says("hello")}); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := i.do(ask{method: http.MethodGet, path: "/healthz", unsigned: true}); a.status != http.StatusOK {
		t.Errorf("/healthz: %d", a.status)
	}
}

// TestReloadUnderLoad changes who answers again and again under calls, and wants all of
// them answered, by the one or the other.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	i := start(t)
	other := i.c
	other.Backends = map[string]config.Backend{"annex": {Type: "scripted", File: writeFile(t, t.TempDir(), "annex.yaml", "else: {reply: From the annex.}")}}
	other.Models = map[string]config.Model{labChat: {Targets: []string{"annex/a"}}}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for _, path := range []string{converse(labChat), converseStream(labChat)} {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				a := i.do(ask{path: path, body: says("hello")})
				if by := a.header.Get("X-Outcrop-Served-By"); a.status != http.StatusOK || !strings.HasPrefix(by, "lab/") && !strings.HasPrefix(by, "annex/") {
					t.Errorf("%s: %d %s by %q", path, a.status, a.body, by)
				}
			}
		})
	}
	for n := range 50 {
		c := i.c
		if n%2 == 0 {
			c = other
		}
		if _, err := i.Reload(c); err != nil {
			t.Error(err)
		}
	}
	close(done)
	wg.Wait()
}

// TestCloseWithoutRun gives everything back that New opened.
func TestCloseWithoutRun(t *testing.T) {
	t.Parallel()
	c := testConfig(t)
	s, err := New(t.Context(), c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Errorf("Close, twice: %v", err)
	}
	startWith(t, c).healthy()
}

// TestDescribe wants the start-up lines to say where, what and how to do better.
func TestDescribe(t *testing.T) {
	i := start(t)
	t.Setenv("ANTHROPIC_API_KEY", "secret-of-mine")
	var text strings.Builder
	for _, l := range i.Describe() {
		text.WriteString(l.Name + " " + l.Text + "\n")
	}
	for _, want := range []string{i.Endpoint(), i.c.Data, "outcrop env --listen " + i.Addr(), labChat + " ← lab/chat", twice + " ← cellar/chat, then lab/chat", "outcrop.reader-v1", "outcrop.embed-v1", "ANTHROPIC_API_KEY is set and not used"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in:\n%s", want, text.String())
		}
	}
	if strings.Contains(text.String(), "secret-of-mine") {
		t.Error("the key itself is shown")
	}
}

// TestServing says from the configuration alone what answers.
func TestServing(t *testing.T) {
	t.Parallel()
	c := testConfig(t)
	list, err := Serving(c, "us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]ServedModel{}
	for _, m := range list {
		got[m.ID] = m
	}
	for id, want := range map[string]string{labChat: "scripted", claude: "stand-in", "outcrop.reader-v1": "real", "amazon.titan-embed-text-v2:0": "stand-in", "outcrop.embed-v1": "real", "amazon.nova-canvas-v1:0": ""} {
		if m, ok := got[id]; !ok || m.Fidelity != want || (len(m.Targets) == 0) != (want == "") {
			t.Errorf("%s: %+v, want %q", id, m, want)
		}
	}
	// The gateway agrees.
	i := startWith(t, c)
	for _, m := range i.catalog.Models("us-east-1", catalog.Filter{}) {
		who, err := i.gateway.Serves("us-east-1", c.Account, m.ID)
		if err != nil {
			t.Fatal(err)
		}
		var targets []string
		for _, s := range who {
			targets = append(targets, s.Backend+"/"+s.Model)
		}
		if listed := got[m.ID].Targets; strings.Join(listed, " ") != strings.Join(targets, " ") || len(who) > 0 && string(who[0].Fidelity) != got[m.ID].Fidelity {
			t.Errorf("%s: `outcrop models` says %v %s, the gateway %v", m.ID, listed, got[m.ID].Fidelity, who)
		}
	}
}
