package chat

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/grammar"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// byteVocab is a vocabulary of the 256 bytes and an end token.
type byteVocab struct{}

func (byteVocab) Size() int             { return 257 }
func (byteVocab) Control(id int32) bool { return id == 256 }
func (byteVocab) Ends() []int32         { return []int32{256} }
func (byteVocab) Piece(id int32) []byte {
	if id == 256 {
		return nil
	}
	return []byte{byte(id)}
}

// callRule builds a grammar from the syntax, as the engine does for a model without
// control tokens.
func callRule(s *CallSyntax) grammar.Rule {
	kinds := make([]grammar.Rule, 0, len(s.Tools))
	for _, t := range s.Tools {
		kinds = append(kinds, grammar.Seq(grammar.Literal(s.Before+t.Name+s.Between), grammar.Schema(t.InputSchema), grammar.Literal(s.After)))
	}
	most := 1
	if s.Several {
		most = 3
	}
	return grammar.Seq(grammar.Literal(s.Open), grammar.Repeat(grammar.Choice(kinds...), 1, most, grammar.Literal(s.Separator)), grammar.Literal(s.Close))
}

// wander writes a random text of the grammar: free choices first, then the shortest way
// to its end.
func wander(tb testing.TB, g *grammar.Grammar, r *rand.Rand) string {
	tb.Helper()
	s := g.Start()
	var out []byte
	bits := make([]uint64, 5)
	for range r.IntN(400) {
		if err := s.Mask(bits); err != nil {
			tb.Fatal(err)
		}
		var allowed []int32
		for id := range int32(256) {
			if bits[id/64]>>(id%64)&1 == 1 {
				allowed = append(allowed, id)
			}
		}
		if len(allowed) == 0 {
			break
		}
		id := allowed[r.IntN(len(allowed))]
		if err := s.Accept(id); err != nil {
			tb.Fatal(err)
		}
		out = append(out, byte(id))
	}
	for _, id := range s.Shortest() {
		out = append(out, byte(id))
	}
	return string(out)
}

// TestConstrainedCallsAreRead checks that whatever a grammar of calls lets through is
// read as calls of known tools with arguments in JSON, and as nothing else.
func TestConstrainedCallsAreRead(t *testing.T) {
	t.Parallel()
	req := &llm.ChatRequest{Tools: testTools()}
	compiler := grammar.NewCompiler(byteVocab{})
	for _, name := range []string{"llama31", "qwen3", "chatml", "mistral3", "mistral11", "gemma"} {
		f := newFormat(t, name)
		rule, err := compiler.Compile(callRule(f.Calls(req.Tools, llm.ToolChoice{Mode: llm.ToolAny})))
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 2))
		for range 200 {
			in := wander(t, rule, r)
			events := parse(f, &Prompt{}, req, in)
			checkEvents(t, events, true)
			starts, stops := 0, 0
			for _, e := range merged(events) {
				switch e.Kind {
				case ToolStart:
					starts++
				case ToolInput:
					if !json.Valid([]byte(e.Text)) {
						t.Fatalf("%s: %q has the arguments %q", name, in, e.Text)
					}
				case ToolStop:
					stops++
				case Text, Reasoning, Malformed:
					t.Fatalf("%s: %q is read as\n%s", name, in, script(events))
				}
			}
			if starts == 0 || starts != stops {
				t.Fatalf("%s: %q is read as %d calls with %d ends", name, in, starts, stops)
			}
		}
	}
}
