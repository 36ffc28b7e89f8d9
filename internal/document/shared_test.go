package document

import (
	"bufio"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/sharedtest"
)

var wordRE = regexp.MustCompile(`[\p{L}\p{N}]+`)

// lower has the files whose expected text holds what is left out here on purpose.
var lower = map[string]float64{
	"docling__xlsx_01.xlsx": 0.69, // the data of charts, which stands in the sheet already
}

// TestRealFiles parses documents that other projects test with and compares the
// words with the Markdown those projects expect, where there is one.
func TestRealFiles(t *testing.T) {
	t.Parallel()
	dir := sharedtest.Path(t, "eval", "documents")
	f, err := os.Open(filepath.Join(dir, "manifest.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var row struct{ File, Expected string }
		if err := json.Unmarshal(sc.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(row.File), func(t *testing.T) {
			t.Parallel()
			format := strings.TrimPrefix(filepath.Ext(row.File), ".")
			data, err := os.ReadFile(filepath.Join(dir, row.File))
			if err != nil {
				t.Fatal(err)
			}
			doc, err := Parse(t.Context(), format, data)
			switch {
			case slices.Contains(Formats(), format) && protected(row.File):
				if !fault.Is(err, fault.Invalid) {
					t.Errorf("error of a file with a password = %v, want Invalid", err)
				}
				return
			case !slices.Contains(Formats(), format):
				if !fault.Is(err, fault.NotImplemented) {
					t.Errorf("error = %v, want NotImplemented", err)
				}
				return
			case err != nil:
				t.Fatal(err)
			case row.Expected == "":
				if len(doc.Blocks) == 0 && len(doc.Notices) == 0 {
					t.Error("no blocks, and no notice why")
				}
				return
			}
			want, err := os.ReadFile(filepath.Join(dir, row.Expected))
			if err != nil {
				t.Fatal(err)
			}
			// Pictures are not text, and the other project names them in comments.
			text := regexp.MustCompile(`<!--.*?-->`).ReplaceAllString(string(want), "")
			text = regexp.MustCompile(`\]\([^)\s]*\)`).ReplaceAllString(text, "]")
			recall, precision := overlap(doc.Markdown(), text)
			t.Logf("%s: recall %.3f precision %.3f", filepath.Base(row.File), recall, precision)
			if floor := cmp.Or(lower[filepath.Base(row.File)], 0.9); recall < floor || precision < 0.8 {
				t.Errorf("word recall %.3f, precision %.3f: want %.2f and 0.8", recall, precision, floor)
			}
		})
	}
}

// protected reports whether a file wants a password.
func protected(file string) bool {
	return strings.Contains(file, "_protected_") || strings.HasSuffix(file, "password.pdf")
}

// overlap returns the shares of want's words that got has and of got's that want has.
func overlap(got, want string) (recall, precision float64) {
	count := map[string]int{}
	g, w := wordRE.FindAllString(got, -1), wordRE.FindAllString(want, -1)
	for _, x := range w {
		count[x]++
	}
	both := 0
	for _, x := range g {
		if count[x] > 0 {
			count[x]--
			both++
		}
	}
	return float64(both) / float64(max(len(w), 1)), float64(both) / float64(max(len(g), 1))
}
