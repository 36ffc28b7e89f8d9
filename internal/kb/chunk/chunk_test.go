package chunk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/document"
)

// words counts words: easy to check.
type words struct{}

func (words) CountTokens(s string) int { return len(strings.Fields(s)) }

func parse(t testing.TB, format, text string) *document.Document {
	t.Helper()
	d, err := document.Parse(t.Context(), format, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func split(t testing.TB, s Strategy, d *document.Document) *Chunks {
	t.Helper()
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	got, err := s.Split(t.Context(), d, words{})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func texts(chunks []Chunk) (out []string) {
	for _, c := range chunks {
		out = append(out, c.Text)
	}
	return out
}

const handbook = `# Handbook

Welcome to the handbook. It has two parts.

## Backups

Backups run at night. They are kept for a week. Old ones go to the archive.

## Alarms

- Call the owner.
- Write it down.
`

func TestFixed(t *testing.T) {
	t.Parallel()
	d := parse(t, "md", handbook)
	f := func(s Fixed, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, texts(split(t, s, d).Chunks)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", s, diff)
		}
	}
	f(Fixed{MaxTokens: 1000}, strings.TrimSpace(handbook))
	f(Fixed{MaxTokens: 16},
		"# Handbook\n\nWelcome to the handbook. It has two parts.\n\n## Backups\n\nBackups run at night.",
		"They are kept for a week. Old ones go to the archive.", // the next heading goes with its text
		"## Alarms\n\n- Call the owner.\n- Write it down.")
	f(Fixed{MaxTokens: 12, OverlapPercentage: 50},
		"# Handbook\n\nWelcome to the handbook. It has two parts.",
		"It has two parts.\n\n## Backups\n\nBackups run at night.",
		"## Backups\n\nBackups run at night. They are kept for a week.",
		"They are kept for a week. Old ones go to the archive.",
		"Old ones go to the archive.\n\n## Alarms\n\n- Call the owner.",
		"## Alarms\n\n- Call the owner.\n- Write it down.")
	last := split(t, Fixed{MaxTokens: 16}, d).Chunks[1]
	if want := []string{"Handbook", "Backups"}; !slices.Equal(last.Headings, want) || last.Tokens != 12 || last.Parent != -1 {
		t.Errorf("%+v, want the headings %q", last, want)
	}
}

// TestTable repeats the head of a table that is divided.
func TestTable(t *testing.T) {
	t.Parallel()
	d := parse(t, "csv", "name,port\nalpha,1\nbeta,2\ngamma,3\n")
	got := texts(split(t, Fixed{MaxTokens: 20}, d).Chunks)
	want := []string{
		"| name | port |\n| - | - |\n| alpha | 1 |\n| beta | 2 |", "| name | port |\n| - | - |\n| gamma | 3 |",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestHierarchical(t *testing.T) {
	t.Parallel()
	got := split(t, Hierarchical{ParentTokens: 16, ChildTokens: 6}, parse(t, "md", handbook))
	if len(got.Parents) != 3 {
		t.Fatalf("%d parents: %q", len(got.Parents), texts(got.Parents))
	}
	for _, c := range got.Chunks {
		if c.Tokens > 6 || !strings.Contains(got.Parents[c.Parent].Text, strings.Split(c.Text, "\n")[0]) {
			t.Errorf("%+v of %q", c, got.Parents[c.Parent].Text)
		}
	}
}

// TestSemantic ends passages at headings and where the subject changes.
func TestSemantic(t *testing.T) {
	t.Parallel()
	d := parse(t, "txt", "Cats sleep. Cats eat. Cats purr. Rust compiles. Rust links. Rust runs.")
	embed := func(_ context.Context, texts []string) (out [][]float32, _ error) {
		for _, s := range texts {
			out = append(out, []float32{float32(strings.Count(s, "Cats")), float32(strings.Count(s, "Rust"))})
		}
		return out, nil
	}
	f := func(buffer int, d *document.Document, want ...string) {
		t.Helper()
		got := texts(split(t, Semantic{MaxTokens: 50, BufferSize: buffer, BreakpointPercentile: 80, Embed: embed}, d).Chunks)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("buffer %d (-want +got):\n%s", buffer, diff)
		}
	}
	f(0, d, "Cats sleep. Cats eat. Cats purr.", "Rust compiles. Rust links. Rust runs.")
	f(1, d, "Cats sleep. Cats eat. Cats purr.", "Rust compiles. Rust links. Rust runs.")
	f(0, parse(t, "md", "# A\n\n## B\n\nCats sleep.\n\n## C\n\nCats eat."), "# A\n\n## B\n\nCats sleep.", "## C\n\nCats eat.")
	f(0, parse(t, "txt", ""))
	down := func(context.Context, []string) ([][]float32, error) { return nil, errors.New("down") }
	if _, err := (Semantic{MaxTokens: 50, BreakpointPercentile: 80, Embed: down}).Split(t.Context(), d, words{}); err == nil {
		t.Error("an embedder that fails: no error")
	}
}

// TestLimits holds every strategy to its limits on documents of all sorts: no passage
// too long, nothing lost, everything in order.
func TestLimits(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	embed := func(_ context.Context, texts []string) (out [][]float32, _ error) {
		for range texts {
			out = append(out, []float32{rng.Float32(), rng.Float32()})
		}
		return out, nil
	}
	for round := range 300 {
		d, count := randomDocument(t, rng)
		limit := 1 + rng.IntN(40)
		for _, s := range []Strategy{
			Fixed{MaxTokens: limit, OverlapPercentage: rng.IntN(100)},
			Semantic{MaxTokens: limit, BufferSize: rng.IntN(2), BreakpointPercentile: 50 + rng.IntN(50), Embed: embed},
			Hierarchical{ParentTokens: limit + rng.IntN(40), ChildTokens: limit, OverlapTokens: rng.IntN(limit)},
			Whole{},
		} {
			got := split(t, s, d)
			next := 0
			for _, c := range slices.Concat(got.Parents, got.Chunks) {
				if n := (words{}).CountTokens(c.Text); c.Parent >= 0 && n > limit || got.Parents == nil && n > limit && s != Strategy(Whole{}) {
					t.Fatalf("round %d, %T: %d tokens, %d are allowed: %q", round, s, n, limit, c.Text)
				}
			}
			for _, c := range got.Chunks {
				for w := range strings.FieldsSeq(c.Text) {
					var n int
					if _, err := fmt.Sscanf(strings.Trim(w, "."), "w%d", &n); err == nil && n == next {
						next++
					} else if err == nil && n > next {
						t.Fatalf("round %d, %+v: w%d is lost", round, s, next)
					}
				}
			}
			if next != count {
				t.Fatalf("round %d, %T: %d of %d words are left", round, s, next, count)
			}
		}
	}
}

// randomDocument makes a document of the words w0, w1 …
func randomDocument(t testing.TB, rng *rand.Rand) (*document.Document, int) {
	var b strings.Builder
	n := 0
	say := func(words int) {
		for i := range words {
			if i > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, "w%d", n)
			n++
		}
	}
	for range rng.IntN(12) {
		switch rng.IntN(5) {
		case 0:
			b.WriteString(strings.Repeat("#", 1+rng.IntN(4)) + " ")
			say(1 + rng.IntN(5))
		case 1:
			for range 1 + rng.IntN(4) {
				b.WriteString("- ")
				say(1 + rng.IntN(8))
				b.WriteByte('\n')
			}
		case 2:
			b.WriteString("| ")
			say(1)
			b.WriteString(" | ")
			say(1)
			b.WriteString(" |\n| - | - |\n")
			for range rng.IntN(5) {
				b.WriteString("| ")
				say(1 + rng.IntN(6))
				b.WriteString(" | ")
				say(1)
				b.WriteString(" |\n")
			}
		default:
			for range 1 + rng.IntN(5) {
				say(1 + rng.IntN(20))
				b.WriteString(". ")
			}
		}
		b.WriteString("\n\n")
	}
	return parse(t, "md", b.String()), n
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, s := range []Strategy{
		Fixed{},
		Fixed{MaxTokens: 1, OverlapPercentage: 100},
		Hierarchical{ParentTokens: 1, ChildTokens: 2},
		Hierarchical{ParentTokens: 9, ChildTokens: 5, OverlapTokens: 5},
		Semantic{MaxTokens: 1, BreakpointPercentile: 49},
		Semantic{MaxTokens: 1, BreakpointPercentile: 50, BufferSize: 2},
	} {
		if s.Validate() == nil {
			t.Errorf("%+v is fine", s)
		}
	}
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
}

func BenchmarkFixed(b *testing.B) {
	d := parse(b, "txt", strings.Repeat("The gateway restarts every Sunday at four. Nobody notices. ", 10_000))
	b.SetBytes(int64(len(d.Text())))
	for b.Loop() {
		if _, err := Default().Split(b.Context(), d, words{}); err != nil {
			b.Fatal(err)
		}
	}
}
