package gateway

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/ledger"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
)

const (
	account = "123456789012"
	sonnet  = "anthropic.claude-3-5-sonnet-20241022-v2:0"
	titan   = "amazon.titan-embed-text-v2:0"
	express = "amazon.titan-text-express-v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// step is one thing a fake upstream does.
type step func(ctx context.Context, yield func(llm.Event, error) bool) bool

// script is an upstream that does the steps of its next line at each call, and
// those of its last line for ever after.
type script struct {
	mu    sync.Mutex
	lines [][]step
	calls []*llm.ChatRequest
	ended int // calls whose sequence returned
}

func (s *script) Chat(ctx context.Context, req *llm.ChatRequest) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		line := s.next(req)
		defer s.end()
		for _, step := range line {
			if !step(ctx, yield) {
				return
			}
		}
	}
}

func (s *script) next(req *llm.ChatRequest) []step {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, req)
	return s.lines[min(len(s.calls), len(s.lines))-1]
}

func (s *script) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended++
}

// count returns how often it was called.
func (s *script) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

func always(steps ...step) *script { return &script{lines: [][]step{steps}} }

func send(events ...llm.Event) step {
	return func(ctx context.Context, yield func(llm.Event, error) bool) bool {
		for _, e := range events {
			if ctx.Err() != nil {
				yield(nil, ctx.Err())
				return false
			}
			if !yield(fresh(e), nil) {
				return false
			}
		}
		return true
	}
}

// fresh copies an event that a receiver may change, since a script is told twice.
func fresh(e llm.Event) llm.Event {
	switch e := e.(type) {
	case *llm.MessageStart:
		v := *e
		return &v
	case *llm.Metadata:
		v := *e
		return &v
	}
	return e
}

func fails(err error) step {
	return func(_ context.Context, yield func(llm.Event, error) bool) bool {
		yield(nil, err)
		return false
	}
}

func failsWith(kind fault.Kind) step {
	return fails(&fault.Error{Kind: kind, Message: "upstream: " + kind.String()})
}

// pauses waits, and gives up when it is cancelled as a backend must.
func pauses(d time.Duration) step {
	return func(ctx context.Context, yield func(llm.Event, error) bool) bool {
		select {
		case <-time.After(d):
			return true
		case <-ctx.Done():
			yield(nil, ctx.Err())
			return false
		}
	}
}

func hangs() step { return pauses(1000 * time.Hour) }

var (
	start = &llm.MessageStart{Role: llm.Assistant}
	open  = &llm.BlockStart{Block: &llm.Text{}}
	word  = &llm.BlockDelta{Text: "word "}
	shut  = &llm.BlockStop{}
	stop  = &llm.MessageStop{Reason: llm.EndTurn}
	meta  = &llm.Metadata{Usage: llm.Usage{InputTokens: 1000, OutputTokens: 500}}
)

// answers is a whole answer.
func answers() step { return send(start, open, word, shut, stop, meta) }

// book is a Recorder in memory.
type book struct {
	mu      sync.Mutex
	records []ledger.Record
	open    int
}

func (b *book) Append(r ledger.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records = append(b.records, r)
}

func (b *book) Begin() { b.change(1) }
func (b *book) End()   { b.change(-1) }

func (b *book) change(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open += n
}

// only returns the one record there is.
func (b *book) only(t *testing.T) ledger.Record {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.records) != 1 || b.open != 0 {
		t.Fatalf("%d records and %d open calls, want 1 and 0: %+v", len(b.records), b.open, b.records)
	}
	return b.records[0]
}

// police allows everything but what it is told to deny.
type police struct {
	mu    sync.Mutex
	deny  string // a resource
	asked []Access
}

func (p *police) Authorize(_ context.Context, who call.Principal, a Access) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, a)
	if p.deny != "" && slices.Contains(a.Resources, p.deny) {
		return fault.Errorf(fault.Denied, "User: %s is not authorized to perform: %s on resource: %s", who.ARN, a.Actions[0], p.deny)
	}
	return nil
}

// world is a gateway and what is around it.
type world struct {
	*Gateway
	book   *book
	police *police
}

// setup makes a gateway whose backends are the given ones; change may alter the
// configuration before it is built.
func setup(t testing.TB, r Routes, change ...func(*Config)) *world {
	t.Helper()
	c, err := catalog.New(catalog.Config{
		Regions: []string{"us-east-1", "us-west-2", "eu-west-1"},
		Models:  map[string]catalog.Entry{"my.model": {}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{book: &book{}, police: &police{}}
	cfg := Config{Catalog: c, Authorizer: w.police, Recorder: w.book, Routes: r}
	for _, f := range change {
		f(&cfg)
	}
	if w.Gateway, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	return w
}

// chain routes sonnet to the scripts in order, as backends a, b, c…
func chain(scripts ...*script) Routes {
	r := Routes{Backends: map[string]Backend{}, Targets: map[string][]Target{}}
	for i, s := range scripts {
		name := string(rune('a' + i))
		r.Backends[name] = Backend{Chat: s}
		r.Targets[sonnet] = append(r.Targets[sonnet], Target{name, "model-" + name})
	}
	return r
}

// with changes every backend of r.
func with(r Routes, change func(*Backend)) Routes {
	for name, b := range r.Backends {
		change(&b)
		r.Backends[name] = b
	}
	return r
}

// from returns a context with a call of a region, and the call.
func from(ctx context.Context, region string) (context.Context, *call.Call) {
	c := &call.Call{
		RequestID: "r-1", Service: "bedrock-runtime", Operation: "ConverseStream", Region: region, Account: account,
		Principal: call.Principal{ARN: "arn:aws:iam::" + account + ":user/alice", Account: account, AccessKeyID: "AKIDEXAMPLE"},
		Start:     time.Now(), Header: http.Header{},
	}
	return call.With(ctx, c), c
}

// ask asks model one question in us-east-1 as a stream.
func ask(model string) *llm.ChatRequest {
	r := llmtest.Ask(model, "What is the question, and what is its answer?")
	r.Stream = true
	return r
}
