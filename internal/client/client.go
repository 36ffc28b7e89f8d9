// Package client is the small Bedrock client of Outcrop's own command line: what
// `outcrop converse`, `demo` and `doctor` speak with. It reads the same AWS_*
// variables as the official clients, signs with the SDK's signer and works against
// any Bedrock endpoint.
//
// It is no SDK: no retries, no profiles, no generated types.
package client

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Client calls one endpoint. Its fields are not changed once it is in use; then it
// is safe for concurrent use.
type Client struct {
	Endpoint string // http://127.0.0.1:4550
	Region   string
	// Credentials sign requests, unless BearerToken is set.
	Credentials aws.Credentials
	BearerToken string
	HTTP        *http.Client // nil: http.DefaultClient
}

// FromEnv reads AWS_ENDPOINT_URL_BEDROCK_RUNTIME, AWS_ENDPOINT_URL, AWS_REGION,
// AWS_DEFAULT_REGION, AWS_BEARER_TOKEN_BEDROCK and the access key's variables.
func FromEnv(getenv func(string) string) (*Client, error) {
	c := &Client{
		Endpoint:    first(getenv, "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_ENDPOINT_URL"),
		Region:      first(getenv, "AWS_REGION", "AWS_DEFAULT_REGION"),
		BearerToken: getenv("AWS_BEARER_TOKEN_BEDROCK"),
		Credentials: aws.Credentials{
			AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken:    getenv("AWS_SESSION_TOKEN"),
		},
	}
	if c.Endpoint == "" {
		return nil, errors.New(`AWS_ENDPOINT_URL is not set; with a server running: eval "$(outcrop env)"`)
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.BearerToken == "" && (c.Credentials.AccessKeyID == "" || c.Credentials.SecretAccessKey == "") {
		return nil, errors.New(`AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set; with a server running: eval "$(outcrop env)"`)
	}
	return c, nil
}

func first(getenv func(string) string, names ...string) string {
	for _, n := range names {
		if v := getenv(n); v != "" {
			return v
		}
	}
	return ""
}

// Error is an error that the service answered.
type Error struct {
	Status    int
	Code      string // "ThrottlingException"
	Message   string
	RequestID string
}

// Error returns the code and the message.
func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("HTTP %d: %s", e.Status, e.Message)
	}
	return e.Code + ": " + e.Message
}

const (
	maxResponse = 64 << 20
	maxError    = 1 << 20
)

// Converse sends a Converse request and decodes the answer into out.
func (c *Client) Converse(ctx context.Context, model string, in, out any) (http.Header, error) {
	return c.Call(ctx, http.MethodPost, "/model/"+url.PathEscape(model)+"/converse", in, out)
}

// Call sends in as JSON (nil: no body), and decodes the answer into out (nil: drops it).
func (c *Client) Call(ctx context.Context, method, path string, in, out any) (http.Header, error) {
	resp, err := c.send(ctx, method, path, in)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end below
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse))
	if err != nil {
		return resp.Header, fmt.Errorf("reading the answer: %w", err)
	}
	if out == nil {
		return resp.Header, nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return resp.Header, fmt.Errorf("the answer is no JSON of the expected form: %w", err)
	}
	return resp.Header, nil
}

// Event is one event of a stream: its type and its JSON.
type Event struct {
	Type    string // "contentBlockDelta"
	Payload json.RawMessage
	Header  http.Header // of the response
}

// ConverseStream sends a ConverseStream request and yields its events.
func (c *Client) ConverseStream(ctx context.Context, model string, in any) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		resp, err := c.send(ctx, http.MethodPost, "/model/"+url.PathEscape(model)+"/converse-stream", in)
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer func() { _ = resp.Body.Close() }() // an early close cancels the stream
		dec, body := eventstream.NewDecoder(), bufio.NewReader(resp.Body)
		for {
			// Only between two frames is the end of the body the end of the stream.
			if _, err := body.Peek(1); errors.Is(err, io.EOF) {
				return
			}
			msg, err := dec.Decode(body, nil)
			if err != nil {
				yield(Event{}, fmt.Errorf("reading the stream: %w", err))
				return
			}
			header := func(name string) string {
				if v := msg.Headers.Get(name); v != nil {
					return v.String()
				}
				return ""
			}
			if header(":message-type") != "event" {
				e := &Error{Status: resp.StatusCode, Code: header(":exception-type"), RequestID: resp.Header.Get("x-amzn-requestid")}
				e.Message = message(msg.Payload)
				yield(Event{}, e)
				return
			}
			if !yield(Event{Type: header(":event-type"), Payload: msg.Payload, Header: resp.Header}, nil) {
				return
			}
		}
	}
}

// send returns a response with a status of success, or an error.
func (c *Client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.Endpoint, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if err := c.sign(ctx, req, body); err != nil {
		return nil, err
	}
	hc := c.HTTP
	if hc == nil {
		hc = http.DefaultClient
	}
	resp, err := hc.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no answer from %s: %w (is `outcrop serve` running?)", c.Endpoint, err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }() // an error's body is read once
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxError))
	code, _, _ := strings.Cut(resp.Header.Get("x-amzn-errortype"), ":")
	return nil, &Error{Status: resp.StatusCode, Code: code, Message: message(text), RequestID: resp.Header.Get("x-amzn-requestid")}
}

func (c *Client) sign(ctx context.Context, req *http.Request, body []byte) error {
	if c.BearerToken != "" {
		req.Header.Set("Authorization", "Bearer "+c.BearerToken)
		return nil
	}
	sum := sha256.Sum256(body)
	return v4.NewSigner().SignHTTP(ctx, c.Credentials, req, hex.EncodeToString(sum[:]), "bedrock", c.Region, time.Now())
}

// message finds the text of an error's JSON, or returns the start of what came.
func message(body []byte) string {
	var e struct {
		Message string `json:"message"`
		Upper   string `json:"Message"`
	}
	if json.Unmarshal(body, &e) == nil && e.Message+e.Upper != "" {
		return e.Message + e.Upper
	}
	const shown = 300
	return strings.TrimSpace(string(body[:min(len(body), shown)]))
}
