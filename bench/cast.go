package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// cast is the processes that take part.
type cast struct {
	upstream, proxy         *process
	upstreamAddr, proxyAddr string

	outcrop   *server // as it comes
	undelayed *server // without the deliberate delay of streams
}

// server is a running outcrop.
type server struct {
	process     *process
	addr        string
	credentials aws.Credentials
}

func startCast(ctx context.Context, p plan, dir string) (c *cast, err error) {
	c = new(cast)
	if c.upstream, c.upstreamAddr, err = startRole(ctx, roleUpstream, "-"); err != nil {
		return c, err
	}
	if c.proxy, c.proxyAddr, err = startRole(ctx, roleProxy, "http://"+c.upstreamAddr); err != nil {
		return c, err
	}
	if c.outcrop, err = c.startServer(ctx, p, filepath.Join(dir, "outcrop"), ""); err != nil {
		return c, err
	}
	c.undelayed, err = c.startServer(ctx, p, filepath.Join(dir, "undelayed"), "stream_delay: -1ms\n")
	return c, err
}

// startServer starts outcrop with a data folder and a configuration of its own, and
// waits until it answers.
func (c *cast) startServer(ctx context.Context, p plan, dir, more string) (*server, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "bench.yaml")
	text := fmt.Sprintf(`auto_detect: false
debug: true
log: {level: warn}
%sbackends:
  mock: {type: openai, base_url: "http://%s/v1"}
models:
  bench.%s: [mock/%[3]s]
  bench.%s: [mock/%[4]s]
`, more, c.upstreamAddr, fast.id, slow.id)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	process, err := startOutcrop(ctx, p.outcrop, "--config", config, "--data", filepath.Join(dir, "data"), "--listen", addr)
	if err != nil {
		return nil, err
	}
	s := &server{process: process, addr: addr}
	if s.credentials, err = awaitAnswer(ctx, addr, filepath.Join(dir, "data"), "bench."+fast.id); err != nil {
		return nil, errors.Join(err, process.stop())
	}
	return s, nil
}

func (c *cast) stop() error {
	var errs []error
	for _, s := range []*server{c.outcrop, c.undelayed} {
		if s != nil {
			errs = append(errs, s.process.stop())
		}
	}
	return errors.Join(append(errs, c.proxy.stop(), c.upstream.stop())...)
}

// freeAddr returns an address that nobody listens on just now.
func freeAddr(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// awaitAnswer waits for the root key that the first start of a server makes, and for the
// first Converse call that it answers.
func awaitAnswer(ctx context.Context, addr, data, modelID string) (aws.Credentials, error) {
	deadline := time.Now().Add(20 * time.Second)
	var last error
	for time.Now().Before(deadline) && ctx.Err() == nil {
		credentials, err := readCredentials(data)
		if err == nil {
			err = askOnce(ctx, addr, credentials, modelID)
		}
		if err == nil {
			return credentials, nil
		}
		last = err
		time.Sleep(time.Millisecond)
	}
	return aws.Credentials{}, fmt.Errorf("outcrop does not answer: %w", errors.Join(ctx.Err(), last))
}

func readCredentials(data string) (aws.Credentials, error) {
	text, err := os.ReadFile(filepath.Join(data, "credentials.json"))
	if err != nil {
		return aws.Credentials{}, err
	}
	var key struct{ AccessKeyID, SecretAccessKey string }
	err = json.Unmarshal(text, &key) // names are matched without regard to case
	return aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey}, err
}

func askOnce(ctx context.Context, addr string, credentials aws.Credentials, modelID string) error {
	request, err := converseRequest(ctx, addr, credentials, modelID, question(0), false)
	if err != nil {
		return err
	}
	conn, err := dial(ctx, addr)
	if err != nil {
		return err
	}
	_, err = conn.do(request, nil)
	return errors.Join(err, conn.Close())
}
