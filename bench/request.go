package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// pool is how many different requests a target is sent. They are signed just before,
// and a signature is good for five minutes.
const pool = 64

// target is something to send requests to.
type target struct {
	name     string
	addr     string
	process  *process // whose CPU counts
	requests func(ctx context.Context) ([][]byte, error)
	first    []byte // what the answer's first token is known by; nil when it is no stream
}

// question returns the text of the i-th request.
func question(i int) string {
	return fmt.Sprintf("Question %d: which of our services in this account had the most throttled requests "+
		"between Monday and Wednesday, and what would you look at first? Answer in two sentences.", i)
}

const system = "You are an assistant for people who run services. You answer briefly and from what you know."

func (c *cast) direct(m model, stream bool) target {
	return completions("direct", c.upstreamAddr, c.upstream, m, stream)
}

func (c *cast) proxied(m model, stream bool) target {
	return completions("proxy", c.proxyAddr, c.proxy, m, stream)
}

// completions is a target that speaks chat completions, unsigned.
func completions(name, addr string, p *process, m model, stream bool) target {
	t := target{name: name, addr: addr, process: p, requests: func(context.Context) ([][]byte, error) {
		return build(func(i int) ([]byte, error) { return completionRequest(addr, m.id, question(i), stream) })
	}}
	if stream {
		t.first = []byte("word ")
	}
	return t
}

// converse is outcrop as a target.
func (c *cast) converse(s *server, m model, stream bool) target {
	name := "outcrop"
	if s == c.undelayed {
		name = "outcrop, no delay"
	}
	t := target{name: name, addr: s.addr, process: s.process, requests: func(ctx context.Context) ([][]byte, error) {
		return build(func(i int) ([]byte, error) {
			return converseRequest(ctx, s.addr, s.credentials, "bench."+m.id, question(i), stream)
		})
	}}
	if stream {
		t.first = []byte("contentBlockDelta")
	}
	return t
}

func build(one func(i int) ([]byte, error)) ([][]byte, error) {
	all := make([][]byte, pool)
	for i := range all {
		var err error
		if all[i], err = one(i); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// completionRequest returns the bytes of a chat completions request.
func completionRequest(addr, modelID, text string, stream bool) ([]byte, error) {
	type message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	body, err := json.Marshal(struct {
		Model     string    `json:"model"`
		Messages  []message `json:"messages"`
		MaxTokens int       `json:"max_tokens"`
		Stream    bool      `json:"stream"`
	}{modelID, []message{{"system", system}, {"user", text}}, 200, stream})
	if err != nil {
		return nil, err
	}
	header := http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer none"}}
	return wireRequest("/v1/chat/completions", addr, header, body)
}

// converseRequest returns the bytes of a signed Converse or ConverseStream request.
func converseRequest(ctx context.Context, addr string, credentials aws.Credentials, modelID, text string, stream bool) ([]byte, error) {
	type block struct {
		Text string `json:"text"`
	}
	type message struct {
		Role    string  `json:"role"`
		Content []block `json:"content"`
	}
	body, err := json.Marshal(struct {
		Messages  []message      `json:"messages"`
		System    []block        `json:"system"`
		Inference map[string]int `json:"inferenceConfig"`
	}{[]message{{"user", []block{{text}}}}, []block{{system}}, map[string]int{"maxTokens": 200}})
	if err != nil {
		return nil, err
	}
	path := "/model/" + url.PathEscape(modelID) + "/converse"
	if stream {
		path += "-stream"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+path, bytes.NewReader(body)) //nolint:gosec // only signed, never sent
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), "bedrock", "us-east-1", time.Now()); err != nil {
		return nil, err
	}
	return wireRequest(path, addr, request.Header, body)
}

// wireRequest returns a POST as it goes over the wire.
func wireRequest(path, addr string, header http.Header, body []byte) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", path, addr, len(body))
	if err := header.WriteSubset(&b, map[string]bool{"Content-Length": true}); err != nil {
		return nil, err
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes(), nil
}
