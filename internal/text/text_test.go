package text

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWords(t *testing.T) {
	t.Parallel()
	f := func(in string, want ...string) {
		t.Helper()
		var got []string
		for _, w := range Words(in) {
			got = append(got, w.Norm)
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("Words(%q) (-got +want):\n%s", in, diff)
		}
	}
	f("Don't stop Ann's 1,234.5 cafés!", "don't", "stop", "ann", "1234.5", "cafes")
	f("a-b_c i-0abc", "a", "b", "c", "i", "0abc")
	f("東京都 x", "東京", "京都", "x")
	f("京。", "京")
	f("Привет, МИР", "привет", "мир")
	f("हिन्दी में", "हिन्दी", "में")
	f("3.14. Next", "3.14", "next")
	f("")
}

func TestStem(t *testing.T) {
	t.Parallel()
	// Pairs from the published description of the algorithm.
	for in, want := range map[string]string{
		"caresses": "caress", "ponies": "poni", "cats": "cat", "feed": "feed", "plastered": "plaster", "motoring": "motor", "sing": "sing",
		"conflated": "conflat", "hopping": "hop", "falling": "fall", "filing": "file", "happy": "happi", "sky": "sky", "relational": "relat", "conditional": "condit",
		"digitizer": "digit", "vietnamization": "vietnam", "hopefulness": "hope", "formative": "form", "electrical": "electr", "adjustable": "adjust", "adoption": "adopt",
		"probate": "probat", "rate": "rate", "cease": "ceas", "roll": "roll", "i-0abc": "i-0abc", "日本": "日本", "is": "is",
	} {
		if got := Stem(in); got != want {
			t.Errorf("Stem(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSentences(t *testing.T) {
	t.Parallel()
	f := func(in string, want ...string) {
		t.Helper()
		var got []string
		for _, p := range Sentences(in) {
			got = append(got, p.Of(in))
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("Sentences(%q) (-got +want):\n%s", in, diff)
		}
	}
	f("One. Two! Three? Four", "One.", "Two!", "Three?", "Four")
	f("Mr. J. R. Smith paid $3.50. He left.", "Mr. J. R. Smith paid $3.50.", "He left.")
	f("The U.S. Army came. In the U.S. They live at example.com. Yes.", "The U.S. Army came.", "In the U.S.", "They live at example.com.", "Yes.")
	f("See fig. 3 and e.g. this, approx. ten. \"Quoted.\" Done.", "See fig. 3 and e.g. this, approx. ten.", "\"Quoted.\"", "Done.")
	f("A line that is wrapped because it is quite long for its page\nand goes on. Next.", "A line that is wrapped because it is quite long for its page\nand goes on.", "Next.")
	f("# Head\nText here\n- one\n- two\n1. three. Four\n\nend", "# Head", "Text here", "- one", "- two", "1. three.", "Four", "end")
	f("今日は晴れ。明日は雨！「はい。」そう", "今日は晴れ。", "明日は雨！", "「はい。」", "そう")
	f("Do:\n\n1. Unplug.\n2. Open it.", "Do:", "1. Unplug.", "2. Open it.")
	f("It ended in 1999.[3] The next began.", "It ended in 1999.[3]", "The next began.")
	f("  \n ")
}

func TestBM25(t *testing.T) {
	t.Parallel()
	x := NewBM25([][]string{{"cat", "sat"}, {"dog", "sat", "sat"}, {}})
	got := x.Scores([]string{"dog", "sat", "none"})
	if !(got[1] > got[0] && got[0] > got[2] && got[2] == 0) {
		t.Errorf("Scores = %v, want the second first and the empty one at zero", got)
	}
	if !(x.IDF("none") > x.IDF("dog") && x.IDF("dog") > x.IDF("sat")) {
		t.Errorf("IDF: none %v, dog %v, sat %v: want falling", x.IDF("none"), x.IDF("dog"), x.IDF("sat"))
	}
}

func FuzzSentences(f *testing.F) {
	f.Add("Mr. X said \"no.\" Then [3]. 京。\n- a\n\n1. b")
	f.Fuzz(func(t *testing.T, s string) {
		end := 0
		var kept strings.Builder
		for _, p := range Sentences(s) {
			if p.Start < end || p.End <= p.Start || p.End > len(s) {
				t.Fatalf("span %v after %d in %q", p, end, s)
			}
			if strings.TrimSpace(s[end:p.Start]) != "" {
				t.Errorf("lost %q of %q", s[end:p.Start], s)
			}
			end = p.End
			kept.WriteString(p.Of(s))
		}
		if strings.TrimSpace(s[end:]) != "" {
			t.Errorf("lost %q of %q", s[end:], s)
		}
		last := 0
		for _, w := range Words(s) {
			if w.Start < last || w.End <= w.Start || w.End > len(s) {
				t.Fatalf("word %v after %d in %q", w, last, s)
			}
			last = w.Start
			_ = Stem(w.Norm)
		}
	})
}

func BenchmarkSentences(b *testing.B) {
	s := strings.Repeat("The quick brown fox, seen by Dr. Smith in 1999, jumped over the lazy dog. It was 3.5 metres high! ", 1000)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		Sentences(s)
	}
}

func BenchmarkTerms(b *testing.B) {
	s := strings.Repeat("The quick brown fox, seen by Dr. Smith in 1999, jumped over the lazy dog. It was 3.5 metres high! ", 1000)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		Terms(s)
	}
}
