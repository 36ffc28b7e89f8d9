package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/enginetest"
)

// ask lets a worker answer questions and returns what it says.
func ask(t *testing.T, questions ...request) []reply {
	t.Helper()
	var in, out bytes.Buffer
	for _, q := range questions {
		if err := json.NewEncoder(&in).Encode(q); err != nil {
			t.Fatal(err)
		}
	}
	if err := answerAll(t.Context(), &in, &out); err != nil {
		t.Fatal(err)
	}
	replies := make([]reply, len(questions))
	answers := json.NewDecoder(&out)
	for i := range replies {
		if err := answers.Decode(&replies[i]); err != nil {
			t.Fatal(err)
		}
	}
	return replies
}

// Our engine does everything that is asked of it, on a model that is done at once.
func TestWorker(t *testing.T) {
	t.Parallel()
	path := enginetest.Tiny{}.GGUF(t)
	open := request{Op: "open", Path: path, Threads: 2, Context: 1024, Cache: t.TempDir()}
	questions := []request{
		{Op: "about"},
		open,
		{Op: "prefill", Tokens: 600},
		{Op: "decode", Depth: 3, Tokens: 5},
		{Op: "decode", Depth: 900, Tokens: 5},
		{Op: "serve", Requests: 3, Depth: 8, Tokens: 6},
		{Op: "mixed", Requests: 2, Depth: 128, Tokens: 4},
		{Op: "close"},
		open, // from the packed file
		{Op: "decode", Depth: 3, Tokens: 5},
	}
	steps := map[string]int{"decode": 5, "mixed": 5}
	for i, r := range ask(t, questions...) {
		op, a := questions[i].Op, r.Result
		if r.Error != "" {
			t.Errorf("%s: %s", op, r.Error)
			continue
		}
		if op == "about" {
			if a.Name == "" || a.System == "" {
				t.Errorf("about: %+v", a)
			}
			continue
		}
		if op != "close" && a.Seconds <= 0 {
			t.Errorf("%s took no time", op)
		}
		if got := len(a.Steps); got != steps[op] {
			t.Errorf("%s: %d steps, want %d", op, got, steps[op])
		}
		if size := a.Bytes; op == "open" && size == 0 {
			t.Error("the model has no bytes")
		}
	}
}

// What can't be answered is an error, and the next question is answered.
func TestWorkerRefuses(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "broken.gguf")
	if err := os.WriteFile(broken, []byte("GGUF, but not really"), 0o600); err != nil {
		t.Fatal(err)
	}
	replies := ask(t,
		request{Op: "decode", Tokens: 1},
		request{Op: "open", Path: broken},
		request{Op: "open", Path: enginetest.Tiny{}.GGUF(t), Context: 64},
		request{Op: "prefill", Tokens: 65},
		request{Op: "dance"},
		request{Op: "prefill", Tokens: 64},
	)
	for i, want := range []string{"no model is open", "gguf", "", "context", "dance", ""} {
		if got := replies[i].Error; (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("answer %d: error %q, want one with %q", i, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	p, err := parse([]string{"-quick", "-only", "speed,load", "-threads", "1,4", "-types", "Q8_0"})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.shapes) != 1 || len(p.only) != 2 || len(p.threads) != 2 || p.threads[1] != 4 || len(p.types) != 1 || p.rounds != 3 {
		t.Errorf("got %+v", p)
	}
	for _, args := range [][]string{{"-only", "dancing"}, {"-threads", "0"}, {"-threads", "a"}, {"-rounds", "0"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}

func TestFigure(t *testing.T) {
	t.Parallel()
	r := rounds{ours: []float64{30, 10, 20}, theirs: []float64{10, 20}, ratio: []float64{3, 0.5}}
	if got, want := r.figure(), (figure{Ours: 20, Theirs: 15, Ratio: 1.75}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := cosine(vec{1, 0}, vec{1, 1}); got < 0.7071 || got > 0.7072 {
		t.Errorf("cosine %v", got)
	}
	// Six products per layer and token, the head once: counted by hand for one layer.
	s := shape{hidden: 2, layers: 1, heads: 1, kvHeads: 1, ffn: 3, vocab: 5}
	if got, want := s.flops(1), 2.*(4*4+3*6+2*2+10); got != want {
		t.Errorf("%v operations, want %v", got, want)
	}
}

// A table has as many columns in each row as in its head, whatever was measured.
func TestReport(t *testing.T) {
	t.Parallel()
	full := report{
		Engines: []engineInfo{{"Outcrop", "v1", "x"}}, Limits: []limit{{Threads: 1}},
		Speed: []speedFigure{{Model: "m"}}, Context: []depthFigure{{Model: "m"}}, Serving: []servingFigure{{Model: "m"}},
		Busy: []busyFigure{{Model: "m"}}, Load: []loadFigure{{Model: "m"}}, MiniLM: []miniLMFigure{{Runtime: "1"}},
	}
	for _, r := range []report{{}, full} {
		var out bytes.Buffer
		file := filepath.Join(t.TempDir(), "figures.json")
		if err := r.write(&out, file); err != nil {
			t.Fatal(err)
		}
		columns := 0
		for line := range strings.Lines(out.String()) {
			n := strings.Count(line, "|")
			if n > 0 && columns > 0 && n != columns {
				t.Errorf("%d columns where the row before has %d: %s", n, columns, line)
			}
			columns = n
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var back report
		if err := json.Unmarshal(text, &back); err != nil || len(back.Speed) != len(r.Speed) {
			t.Errorf("%v, %d figures of %d", err, len(back.Speed), len(r.Speed))
		}
	}
	if err := full.write(failing{}, ""); !errors.Is(err, errFailing) {
		t.Errorf("got %v, want %v", err, errFailing)
	}
}

type failing struct{}

var errFailing = errors.New("no room")

func (failing) Write([]byte) (int, error) { return 0, errFailing }
