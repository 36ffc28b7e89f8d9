package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"go.uber.org/goleak"

	"github.com/outcrop-ai/outcrop/internal/iam"
	"github.com/outcrop-ai/outcrop/internal/ledger"
	"github.com/outcrop-ai/outcrop/internal/server/config"
)

func TestMain(m *testing.M) {
	// What Ollama keeps on this machine is none of the tests' business.
	if err := os.Setenv("OLLAMA_MODELS", os.DevNull); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// The models that the tests' servers have, beside the catalog's.
const (
	labChat = "lab.chat"   // answered by labScript
	twice   = "lab.twice"  // by a backend that is down, then labScript
	broken  = "lab.broken" // by the one that is down alone
	claude  = "anthropic.claude-3-5-sonnet-20241022-v2:0"
)

const labScript = `
rules:
  - when: {text: hello}
    reply: {text: Hello from the lab., usage: {input: 11, output: 7}}
  - when: {text: slowly}
    reply: {text: "` + manyWords + `", delay: {between: 20ms}, chunk: words, usage: {input: 5, output: 400}}
  - when: {text: patiently}
    reply: {text: At last., delay: 30s}
  - when: {text: busy}
    reply: {error: {type: ThrottlingException, message: The lab is busy., retry_after: 3s}}
  - when: {text: fail}
    reply: {error: {type: ModelErrorException, message: The lab failed., original_status: 500}}
  - when: {text: late}
    reply: {error: {type: ModelTimeoutException, message: The lab took too long.}}
  - when: {text: tear}
    reply: {text: one two three four five six, chunk: words, cut: {after: 3}}
  - when: {text: weather, tool: get_weather}
    reply: {tool_calls: [{name: get_weather, input: {city: Oslo}}]}
`

// manyWords take some eight seconds to stream.
const manyWords = "w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w " +
	"w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w " +
	"w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w " +
	"w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w " +
	"w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w " +
	"w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w "

const downScript = `
else: {reply: {error: {type: ServiceUnavailableException, message: The cellar is flooded.}}}
`

// logText keeps what a server logs. It is safe for concurrent use.
type logText struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// testConfig is a configuration on a folder of its own, with the lab's models.
func testConfig(t testing.TB) config.Config {
	t.Helper()
	dir := t.TempDir()
	c := config.Default()
	c.Data, c.Listen, c.AutoDetect, c.StreamDelay = filepath.Join(dir, "data"), "127.0.0.1:0", false, -1
	c.Pull, c.ModelsDir = "never", filepath.Join(dir, "models")
	c.Backends = map[string]config.Backend{
		"lab":    {Type: "scripted", File: writeFile(t, dir, "lab.yaml", labScript)},
		"cellar": {Type: "scripted", File: writeFile(t, dir, "down.yaml", downScript)},
	}
	price := &config.Price{Input: 1_000_000, Output: 2_000_000} // $1 and $2 for a million tokens
	c.Models = map[string]config.Model{
		labChat: {Targets: []string{"lab/chat"}, Price: price},
		twice:   {Targets: []string{"cellar/chat", "lab/chat"}, Price: price},
		broken:  {Targets: []string{"cellar/chat"}},
	}
	return c
}

func writeFile(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// instance is a server that runs until the test ends.
type instance struct {
	*Server
	t    testing.TB
	c    config.Config
	root aws.Credentials
	http *http.Client
	logs *logText
	stop func() error // stops the server and returns what Run returned; may be called again
}

// start runs a server with a configuration that change has adapted.
func start(t testing.TB, change ...func(*config.Config)) *instance {
	t.Helper()
	c := testConfig(t)
	for _, f := range change {
		f(&c)
	}
	return startWith(t, c)
}

func startWith(t testing.TB, c config.Config) *instance {
	t.Helper()
	logs := &logText{}
	s, err := New(t.Context(), c, slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelInfo})))
	if err != nil {
		t.Fatal(err)
	}
	return run(t, s, c, logs)
}

// run serves s until the test ends.
func run(t testing.TB, s *Server, c config.Config, logs *logText) *instance {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- s.Run(ctx) }()
	stop := sync.OnceValue(func() error { cancel(); return <-served })
	key, err := iam.ReadCredentials(c.Data)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{}
	i := &instance{
		Server: s, t: t, c: c, logs: logs, stop: stop,
		root: aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey},
		http: &http.Client{Transport: tr, Timeout: time.Minute},
	}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if text := logs.String(); strings.Contains(text, "panic") {
			t.Errorf("the server panicked:\n%s", text)
		}
	})
	return i
}

// ask is a request to be signed and sent. Its zero fields have the usual values.
type ask struct {
	method, path string // POST, converse on labChat
	body         string
	header       map[string]string
	key          *aws.Credentials // the root key
	bearer       string           // in place of a signature
	unsigned     bool
	at           time.Time // of the signature
	service      string    // bedrock
	region       string    // us-east-1
	hash         string    // of the body, where it is not the body's
	after        func(*http.Request)
}

// answer is a response that was read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (i *instance) request(ctx context.Context, a ask) *http.Request {
	i.t.Helper()
	orElse := func(s *string, def string) {
		if *s == "" {
			*s = def
		}
	}
	orElse(&a.method, http.MethodPost)
	orElse(&a.path, "/model/"+labChat+"/converse")
	orElse(&a.service, "bedrock")
	orElse(&a.region, "us-east-1")
	r, err := http.NewRequestWithContext(ctx, a.method, i.Endpoint()+a.path, strings.NewReader(a.body))
	if err != nil {
		i.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for k, v := range a.header {
		r.Header.Set(k, v)
	}
	if a.at.IsZero() {
		a.at = time.Now()
	}
	if a.key == nil {
		a.key = &i.root
	}
	if a.hash == "" {
		sum := sha256.Sum256([]byte(a.body))
		a.hash = hex.EncodeToString(sum[:])
	} else {
		r.Header.Set("X-Amz-Content-Sha256", a.hash)
	}
	switch {
	case a.unsigned:
	case a.bearer != "":
		r.Header.Set("Authorization", "Bearer "+a.bearer)
	default:
		if err := v4.NewSigner().SignHTTP(ctx, *a.key, r, a.hash, a.service, a.region, a.at); err != nil {
			i.t.Fatal(err)
		}
	}
	if a.after != nil {
		a.after(r)
	}
	return r
}

// do sends a request and reads the answer.
func (i *instance) do(a ask) answer {
	i.t.Helper()
	resp, err := i.http.Do(i.request(i.t.Context(), a))
	if err != nil {
		i.t.Fatalf("%s: %v", a.path, err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		i.t.Fatalf("%s: %v", a.path, err)
	}
	return answer{resp.StatusCode, resp.Header, body}
}

// message is what an error of the JSON protocols says.
func (a answer) message() string {
	var e struct{ Message string }
	_ = json.Unmarshal(a.body, &e)
	return e.Message
}

// converse is the path of an operation on a model.
func converse(model string) string       { return "/model/" + model + "/converse" }
func converseStream(model string) string { return "/model/" + model + "/converse-stream" }

// says is the body of a conversation that begins with text.
func says(text string) string {
	return `{"messages":[{"role":"user","content":[{"text":"` + text + `"}]}]}`
}

// frames reads a stream's frames to its end. After an exception there is none.
func frames(t testing.TB, r io.Reader) (events []eventstream.Message) {
	t.Helper()
	dec := eventstream.NewDecoder()
	for {
		m, err := dec.Decode(r, nil)
		if err == io.EOF { //nolint:errorlint // the decoder's own
			return events
		}
		if err != nil {
			t.Fatalf("frame %d: %v", len(events), err)
		}
		m.Payload = bytes.Clone(m.Payload)
		events = append(events, m)
	}
}

// kind is a frame's event or exception.
func kind(m eventstream.Message) string {
	for _, name := range []string{":event-type", ":exception-type"} {
		if v := m.Headers.Get(name); v != nil {
			return v.String()
		}
	}
	return "?"
}

var requestID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// inner finds text that only this server's makers should read.
var inner = regexp.MustCompile(`goroutine|\.go:|panic|runtime error|/tmp/|sqlite|0xc0|github\.com`)

// wantError checks an error's status, code and text, and what every error has.
func (a answer) wantError(t testing.TB, name string, status int, code, text string) {
	t.Helper()
	got, _, _ := strings.Cut(a.header.Get("X-Amzn-Errortype"), ":")
	if a.status != status || got != code || !strings.Contains(a.message(), text) {
		t.Errorf("%s: got %d %s %q, want %d %s %q", name, a.status, got, a.body, status, code, text)
	}
	if id := a.header.Get("X-Amzn-Requestid"); !requestID.MatchString(id) {
		t.Errorf("%s: request ID %q", name, id)
	}
	if a.header.Get("Date") == "" || a.message() == "" {
		t.Errorf("%s: %v %q: no date or no message", name, a.header, a.body)
	}
	if found := inner.Find(a.body); found != nil {
		t.Errorf("%s: internal text %q in %q", name, found, a.body)
	}
}

// healthy checks that the server still answers.
func (i *instance) healthy() {
	i.t.Helper()
	for _, path := range []string{"/healthz", "/readyz"} {
		if a := i.do(ask{method: http.MethodGet, path: path, unsigned: true}); a.status != http.StatusOK {
			i.t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := i.do(ask{body: says("hello")}); a.status != http.StatusOK {
		i.t.Errorf("converse: %d %s", a.status, a.body)
	}
}

// records returns the ledger's records, oldest first.
func (i *instance) records() []ledger.Record {
	i.t.Helper()
	if err := i.Flush(i.t.Context()); err != nil {
		i.t.Fatal(err)
	}
	var list []ledger.Record
	for q := (ledger.Query{Limit: 1000}); ; {
		page, err := i.ledger.Records(i.t.Context(), q)
		if err != nil {
			i.t.Fatal(err)
		}
		list = append(list, page.Records...)
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	slices.Reverse(list)
	return list
}

// key makes a key and returns what signs with it.
func (i *instance) key(n iam.NewKey) (iam.Created, *aws.Credentials) {
	i.t.Helper()
	made, err := i.identity.store.Create(i.t.Context(), n)
	if err != nil {
		i.t.Fatal(err)
	}
	return made, &aws.Credentials{AccessKeyID: made.ID, SecretAccessKey: made.Secret}
}
