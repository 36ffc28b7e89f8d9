package document

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

func TestMarkdown(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, format, in, want string
	}{
		{"text", "txt", "One line\r\nand more.\r\n\r\nTwo.", "One line\nand more.\n\nTwo."},
		{
			"markdown", "md", "Title\n=====\n\nSome **bold** [link](http://x) and snake_case_name.\n\n- a\n  - b\n    more\n1. c\n\n```go\nx := 1\n```\n\n| A | B |\n|---|:-:|\n| 1 | 2\\|3 |\n",
			"# Title\n\nSome bold link and snake_case_name.\n\n- a\n    - b more\n1. c\n\n```\nx := 1\n```\n\n| A | B |\n| - | - |\n| 1 | 2\\|3 |",
		},
		{"front matter", "md", "---\ntitle: \"T\"\n---\ntext", "text"},
		{
			"html", "html", "<title>T</title><style>p{}</style><h2>Head\n line</h2><p>One<br>two <b>bold</b>.</p><ol start=3><li>x<ul><li>y</li></ul></li><li>z</li></ol><table><tr><th>A<th>B</tr><tr><td colspan=2>1</tr></table><script>no</script>",
			"## Head line\n\nOne\ntwo bold.\n\n3. x\n    - y\n4. z\n\n| A | B |\n| - | - |\n| 1 | 1 |",
		},
		{"csv", "csv", "name;age\n\"Ann; B\";3\n", "| name | age |\n| - | - |\n| Ann; B | 3 |"},
		{
			"json", "json", `{"name":"Ann","tags":["a","b"],"jobs":[{"at":"X","years":2},{"at":"Y"}],"in":{"n":null,"k":true}}`,
			"- name: Ann\n- tags: a, b\n- jobs\n\n| at | years |\n| - | - |\n| X | 2 |\n| Y |  |\n\n- in\n    - k: true",
		},
		{"xml", "xml", "<?xml version='1.0'?><a><b>1 &amp; 2</b>text<c x='y'/></a>", "- b: 1 & 2\n\ntext"},
		{"sniffed html", "", "<!DOCTYPE html><p>x", "x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			doc, err := Parse(t.Context(), tt.format, []byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(doc.Markdown(), tt.want); diff != "" {
				t.Errorf("Markdown() (-got +want):\n%s", diff)
			}
		})
	}
}

func TestTextIsTheSource(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"txt", "md"} {
		const in = "# A\n\n\n  *b*  c\n"
		doc, err := Parse(t.Context(), format, []byte(in))
		if err != nil {
			t.Fatal(err)
		}
		if got := doc.Text(); got != in {
			t.Errorf("%s: Text() = %q, want the source %q", format, got, in)
		}
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"utf-8", "grüße", "grüße"},
		{"utf-8 mark", "\xef\xbb\xbfx", "x"},
		{"utf-16le mark", "\xff\xfea\x00\xfc\x00", "aü"},
		{"utf-16be mark", "\xfe\xff\x00a\x00\xfc", "aü"},
		{"utf-16le", "a\x00b\x00c\x00d\x00", "abcd"},
		{"utf-16be", "\x00a\x00b\x00c\x00d", "abcd"},
		{"windows-1252", "gr\xfc\xdfe \x80", "grüße €"},
		{"line ends", "a\r\nb\rc", "a\nb\nc"},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		if got := Decode([]byte(tt.in)); got != tt.want {
			t.Errorf("%s: Decode(%q) = %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, format, in string
		kind             fault.Kind
		want             string
	}{
		{"pdf", "pdf", "%PDF-1.7", fault.Invalid, "damaged"},
		{"sniffed pdf", "", "%PDF-1.7", fault.Invalid, "damaged"},
		{"old word", "doc", "x", fault.NotImplemented, "doc"},
		{"unknown", "exe", "x", fault.Invalid, `"exe"`},
		{"not a zip", "docx", "x", fault.Invalid, "docx"},
		{"encrypted", "xlsx", "\xd0\xcf\x11\xe0", fault.Invalid, "password"},
		{"broken json", "json", `{"a":`, fault.Invalid, "json"},
		{"deep json", "json", strings.Repeat("[", 10_000), fault.Invalid, "nested"},
		{"deep xml", "xml", strings.Repeat("<a>", 10_000), fault.Invalid, "nested"},
		{"deep html", "html", strings.Repeat("<div>", 100_000), fault.Invalid, "html"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(t.Context(), tt.format, []byte(tt.in))
			if !fault.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse error = %v (%v), want kind %v naming %q", err, fault.KindOf(err), tt.kind, tt.want)
			}
		})
	}
	if _, err := Parse(t.Context(), "txt", make([]byte, MaxBytes+1)); !fault.Is(err, fault.Invalid) {
		t.Errorf("oversize: error = %v, want Invalid", err)
	}
}

// packed makes a zip file of one member.
func packed(tb testing.TB, name string, write func(io.Writer)) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	f, err := w.Create(name)
	if err != nil {
		tb.Fatal(err)
	}
	write(f)
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

func TestBombs(t *testing.T) {
	t.Parallel()
	repeat := func(s string, total int) func(io.Writer) {
		return func(w io.Writer) {
			block := []byte(strings.Repeat(s, (1<<20)/len(s)))
			for n := 0; n < total; n += len(block) {
				if _, err := w.Write(block); err != nil {
					t.Error(err)
				}
			}
		}
	}
	for _, tt := range []struct {
		format string
		data   []byte
		want   string
	}{
		{"docx", packed(t, "word/document.xml", repeat(" ", maxMember+1)), "too large"},
		{"pptx", packed(t, "ppt/presentation.xml", repeat("<a/>", 20<<20)), "too many elements"},
		{"docx", packed(t, "word/document.xml", func(w io.Writer) { _, _ = io.WriteString(w, strings.Repeat("<p>", 1000)) }), "nested"},
		{"docx", packed(t, "other.xml", repeat("x", 10)), "no content"},
	} {
		if _, err := Parse(t.Context(), tt.format, tt.data); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s of %d bytes: error %v, want Invalid with %q", tt.format, len(tt.data), err, tt.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Parse(ctx, "csv", []byte(strings.Repeat("a,b\n", 5000))); !fault.Is(err, fault.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(uint8(0), []byte("a\n\nb"))
	f.Add(uint8(1), []byte("# a\n- b\n|x|y|\n|-|-|\n1. c\n```\n"))
	f.Add(uint8(2), []byte("<table><tr><td>a<ul><li>b"))
	f.Add(uint8(3), []byte("a,b\n\"c"))
	f.Add(uint8(4), []byte(`[{"a":[1,{"b":null}]}]`))
	f.Add(uint8(5), []byte("<a>b<c>d</c></a>"))
	formats := []string{"txt", "md", "html", "csv", "json", "xml", "docx", "xlsx", "pptx", ""}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		doc, err := Parse(t.Context(), formats[int(which)%len(formats)], data)
		if err != nil {
			if doc != nil {
				t.Error("a document beside an error")
			}
			return
		}
		_ = doc.Markdown()
		for _, blk := range doc.Blocks {
			for _, row := range blk.Rows {
				if len(row) != len(blk.Rows[0]) {
					t.Errorf("ragged table: %q", blk.Rows)
				}
			}
		}
	})
}
