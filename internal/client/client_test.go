package client

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

func env(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func TestFromEnv(t *testing.T) {
	t.Parallel()
	c, err := FromEnv(env(map[string]string{
		"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://b", "AWS_DEFAULT_REGION": "eu-west-1",
		"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t",
	}))
	if err != nil || c.Endpoint != "http://b" || c.Region != "eu-west-1" || c.Credentials.AccessKeyID != "AKID" || c.Credentials.SessionToken != "t" {
		t.Errorf("%+v, %v", c, err)
	}
	c, err = FromEnv(env(map[string]string{"AWS_ENDPOINT_URL": "http://a", "AWS_BEARER_TOKEN_BEDROCK": "k"}))
	if err != nil || c.BearerToken != "k" || c.Region != "us-east-1" {
		t.Errorf("%+v, %v", c, err)
	}
	for missing, vars := range map[string]map[string]string{
		"AWS_ENDPOINT_URL is not set": {"AWS_BEARER_TOKEN_BEDROCK": "k"},
		"AWS_ACCESS_KEY_ID":           {"AWS_ENDPOINT_URL": "http://a"},
		"AWS_SECRET_ACCESS_KEY":       {"AWS_ENDPOINT_URL": "http://a", "AWS_ACCESS_KEY_ID": "AKID"},
	} {
		if _, err := FromEnv(env(vars)); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}

// serve answers every request with h, and returns a client for it.
func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &Client{
		Endpoint: s.URL + "/", Region: "us-west-2", HTTP: s.Client(),
		Credentials: aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: "token"},
	}
}

func hello() *ConverseRequest {
	text := "hello"
	return &ConverseRequest{Messages: []Message{{Role: "user", Content: []Block{{Text: &text}}}}}
}

func TestConverse(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("X-Outcrop-Served-By", "lab/x")
		_, _ = io.WriteString(w, `{"output":{"message":{"role":"assistant","content":[{"text":"Hi."}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":2}}`)
	})
	var resp ConverseResponse
	header, err := c.Converse(t.Context(), "us.vendor.model-v1:0", hello(), &resp)
	if err != nil || *resp.Output.Message.Content[0].Text != "Hi." || resp.Usage.OutputTokens != 2 || header.Get("X-Outcrop-Served-By") != "lab/x" {
		t.Errorf("%+v, %v", resp, err)
	}
	if got.URL.EscapedPath() != "/model/us.vendor.model-v1:0/converse" || string(body) != `{"messages":[{"role":"user","content":[{"text":"hello"}]}]}` {
		t.Errorf("%s %s", got.URL.EscapedPath(), body)
	}
	auth := got.Header.Get("Authorization")
	if !strings.Contains(auth, "/us-west-2/bedrock/aws4_request") || got.Header.Get("X-Amz-Security-Token") != "token" || strings.Contains(fmt.Sprint(got.Header), "secret") {
		t.Errorf("headers %v", got.Header)
	}

	c.BearerToken = "key"
	if _, err := c.Converse(t.Context(), "arn:aws:bedrock:us-east-1::foundation-model/a.b", hello(), nil); err != nil {
		t.Error(err)
	}
	if got.Header.Get("Authorization") != "Bearer key" || got.URL.EscapedPath() != "/model/arn:aws:bedrock:us-east-1::foundation-model%2Fa.b/converse" {
		t.Errorf("%s %v", got.URL.EscapedPath(), got.Header)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status     int
		kind, body string
		want       Error
	}{
		{400, "ValidationException:http://x", `{"message":"Wrong."}`, Error{400, "ValidationException", "Wrong.", "r1"}},
		{403, "AccessDeniedException", `{"Message":"No."}`, Error{403, "AccessDeniedException", "No.", "r1"}},
		{502, "", "<html>Bad gateway</html>", Error{502, "", "<html>Bad gateway</html>", "r1"}},
		{500, "", strings.Repeat("x", 5000), Error{500, "", strings.Repeat("x", 300), "r1"}},
	} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Amzn-Requestid", "r1")
			if tc.kind != "" {
				w.Header().Set("X-Amzn-Errortype", tc.kind)
			}
			w.WriteHeader(tc.status)
			_, _ = io.WriteString(w, tc.body)
		})
		_, err := c.Converse(t.Context(), "m", hello(), nil)
		got, ok := errors.AsType[*Error](err)
		if !ok || *got != tc.want {
			t.Errorf("%d %q: %+v", tc.status, tc.body, err)
		}
		for _, err := range c.ConverseStream(t.Context(), "m", hello()) {
			if got, ok := errors.AsType[*Error](err); !ok || *got != tc.want {
				t.Errorf("a stream, %d %q: %+v", tc.status, tc.body, err)
			}
		}
	}
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "no JSON") })
	var out ConverseResponse
	if _, err := c.Converse(t.Context(), "m", hello(), &out); err == nil || !strings.Contains(err.Error(), "no JSON of the expected form") {
		t.Errorf("no JSON: %v", err)
	}
	c.Endpoint = "http://127.0.0.1:1"
	if _, err := c.Converse(t.Context(), "m", hello(), nil); err == nil || !strings.Contains(err.Error(), "outcrop serve") {
		t.Errorf("nobody there: %v", err)
	}
}

// frame is an event or, with an exception type, an exception.
func frame(t *testing.T, message, kind, payload string) []byte {
	t.Helper()
	var buf bytes.Buffer
	name := ":event-type"
	if message == "exception" {
		name = ":exception-type"
	}
	err := eventstream.NewEncoder().Encode(&buf, eventstream.Message{
		Headers: eventstream.Headers{
			{Name: ":message-type", Value: eventstream.StringValue(message)}, {Name: name, Value: eventstream.StringValue(kind)},
		},
		Payload: []byte(payload),
	})
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestStream(t *testing.T) {
	t.Parallel()
	whole := append(frame(t, "event", "messageStart", `{"role":"assistant"}`), frame(t, "event", "metadata", `{"usage":{"outputTokens":3}}`)...)
	stream := whole
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(stream) })
	read := func() (types []string, err error) {
		for e, failed := range c.ConverseStream(t.Context(), "m", hello()) {
			if failed != nil {
				return types, failed
			}
			var p StreamPayload
			if err := json.Unmarshal(e.Payload, &p); err != nil {
				t.Error(err)
			}
			types = append(types, e.Type)
		}
		return types, nil
	}
	if got, err := read(); err != nil || strings.Join(got, " ") != "messageStart metadata" {
		t.Errorf("%v, %v", got, err)
	}
	stream = append(frame(t, "event", "messageStart", `{}`), frame(t, "exception", "throttlingException", `{"message":"Slowly."}`)...)
	got, err := read()
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != "throttlingException" || e.Message != "Slowly." || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	// Cut anywhere but between frames, it is an error and never a silent end.
	first := len(frame(t, "event", "messageStart", `{"role":"assistant"}`))
	for n := 1; n < len(whole); n++ {
		stream = whole[:n]
		if _, err := read(); (err == nil) != (n == first) {
			t.Errorf("cut at %d of %d: %v", n, len(whole), err)
		}
	}
	for _, err := range c.ConverseStream(t.Context(), "m", hello()) {
		if err != nil {
			t.Error(err)
		}
		break // leaving closes the connection
	}
}

func TestDocumentJSON(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(Block{Document: &Document{Format: "md", Name: "n", Source: Source{Bytes: []byte("text")}, Citations: &CitationsConfig{Enabled: true}}})
	want := `{"document":{"format":"md","name":"n","source":{"bytes":"` + base64.StdEncoding.EncodeToString([]byte("text")) + `"},"citations":{"enabled":true}}}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	for want, l := range map[string]CitationLocation{
		"":                  {},
		"characters 3 to 9": {Char: &Span{Start: 3, End: 9}},
		"pages 1 to 2":      {Page: &Span{Start: 1, End: 2}},
		"chunks 0 to 1":     {Chunk: &Span{End: 1}},
	} {
		if got := l.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
