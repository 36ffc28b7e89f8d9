package document

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/sharedtest"
)

// makePDF makes a file of pages with the given contents; the fonts are /R, regular,
// and /B, bold. More objects, from number 5 on, may be named in resources.
func makePDF(pages []string, trailer, resources string, more ...string) []byte {
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>", "",
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
	}
	objects = append(objects, more...)
	var kids strings.Builder
	for _, c := range pages {
		n := len(objects)
		objects = append(objects, stream("", c), fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents %d 0 R /Resources << /Font << /R 3 0 R /B 4 0 R >> %s >> >>", n+1, resources))
		fmt.Fprintf(&kids, "%d 0 R ", n+2)
	}
	objects[1] = fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d >>", kids.String(), len(pages))
	var out bytes.Buffer
	out.WriteString("%PDF-1.7\n")
	at := make([]int, len(objects))
	for i, o := range objects {
		at[i] = out.Len()
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, a := range at {
		fmt.Fprintf(&out, "%010d 00000 n \n", a)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, trailer, start)
	return out.Bytes()
}

func stream(dict, content string) string {
	return fmt.Sprintf("<< %s /Length %d >>\nstream\n%s\nendstream", dict, len(content), content)
}

// show draws lines of text downwards from a place.
func show(font string, size, x, y int, lines ...string) string {
	var sb strings.Builder
	for i, l := range lines {
		fmt.Fprintf(&sb, "BT /%s %d Tf %d %d Td (%s) Tj ET\n", font, size, x, y-i*size*6/5, l)
	}
	return sb.String()
}

func TestPDF(t *testing.T) {
	t.Parallel()
	body := []string{"The pump starts when the level of the water is low. It hyphen-", "ates long words over lines, and goes on to the end of it."}
	tests := []struct {
		name  string
		pages []string
		want  string
	}{
		{
			"headings by size and weight, a word joined",
			[]string{show("B", 20, 50, 740, "Manual") + show("R", 10, 50, 700, body...) + show("B", 10, 50, 650, "Care of the pump") + show("R", 10, 50, 630, body...)},
			"# Manual\n\nThe pump starts when the level of the water is low. It hyphenates long words over lines, and goes on to the end of it.\n\n## Care of the pump\n\n" +
				"The pump starts when the level of the water is low. It hyphenates long words over lines, and goes on to the end of it.",
		},
		{
			"columns in the order of the content",
			[]string{show("R", 10, 50, 700, "The left column is read to its", "end and then") + show("R", 10, 320, 700, "the right one follows.")},
			"The left column is read to its end and then the right one follows.",
		},
		{
			"lists",
			[]string{show("R", 10, 50, 700, "We need:") + show("R", 10, 60, 680, "\\225 a pump", "\\225 a hose") + show("R", 10, 50, 640, "1. Fill it.", "2. Start it.")},
			"We need:\n\n- a pump\n- a hose\n1. Fill it.\n2. Start it.",
		},
		{
			"a table in columns",
			[]string{show("B", 10, 50, 700, "Part") + show("B", 10, 200, 700, "Price") + show("R", 10, 50, 685, "Pump") + show("R", 10, 200, 685, "30") + show("R", 10, 50, 670, "Hose") + show("R", 10, 200, 670, "4")},
			"| Part | Price |\n| - | - |\n| Pump | 30 |\n| Hose | 4 |",
		},
		{
			"running heads",
			[]string{page(1, "Alpha is here."), page(2, "Beta is here."), page(3, "Gamma is here.")},
			"Alpha is here.\n\nBeta is here.\n\nGamma is here.",
		},
		{"turned by a quarter", []string{"BT /R 10 Tf 0 1 -1 0 300 100 Tm (Up the page) Tj ET BT /R 10 Tf 0 1 -1 0 312 100 Tm (and on.) Tj ET"}, "Up the page and on."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			doc, err := Parse(t.Context(), "pdf", makePDF(tt.pages, "", ""))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(doc.Markdown(), tt.want); diff != "" {
				t.Errorf("Markdown() (-got +want):\n%s", diff)
			}
			if doc.Pages != len(tt.pages) || len(doc.Notices) > 0 {
				t.Errorf("%d pages and notices %q, want %d and none", doc.Pages, doc.Notices, len(tt.pages))
			}
		})
	}
}

func page(n int, text string) string {
	return show("R", 8, 50, 780, "The Manual") + show("R", 10, 50, 600, text) + show("R", 8, 300, 20, fmt.Sprintf("Page %d of 3", n))
}

func TestPDFPages(t *testing.T) {
	t.Parallel()
	doc, err := Parse(t.Context(), "", makePDF([]string{show("R", 10, 50, 700, "First."), "", show("R", 10, 50, 700, "Third.")}, "/Info 5 0 R", "", "<< /Title (Of three) >>"))
	if err != nil {
		t.Fatal(err)
	}
	want := Document{
		Title: "Of three", Pages: 3,
		Blocks:  []Block{{Text: "First.", Page: 1}, {Text: "Third.", Page: 3}},
		Notices: []string{"1 of 3 pages hold no text that can be read: they are empty, or pictures such as scans."},
	}
	if diff := cmp.Diff(*doc, want, cmp.AllowUnexported(Document{})); diff != "" {
		t.Errorf("Parse() (-got +want):\n%s", diff)
	}
}

func TestPDFRefused(t *testing.T) {
	t.Parallel()
	good := makePDF([]string{show("R", 10, 50, 700, "Text.")}, "", "")
	zeros := strings.Repeat("00", 32)
	for _, tt := range []struct {
		name, want string
		data       []byte
	}{
		{"empty", "damaged", nil},
		{"not one", "damaged", []byte("hello")},
		{"cut off", "damaged", good[:20]},
		{"encrypted", "encrypted", makePDF([]string{""}, "/ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <"+zeros+"> /U <"+zeros+"> >>", "")},
		{"pages beyond count", "pages", bytes.Replace(good, []byte("/Count 1"), []byte("/Count 1000000"), 1)},
	} {
		_, err := Parse(t.Context(), "pdf", tt.data)
		if tt.name == "pages beyond count" && err == nil {
			continue // PDFium may count for itself
		}
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want Invalid with %q", tt.name, err, tt.want)
		}
	}
}

// TestPDFBomb has forms that draw forms, 30 each, twelve deep.
func TestPDFBomb(t *testing.T) {
	t.Parallel()
	var forms []string
	for i := range 12 {
		next := fmt.Sprintf("/Resources << /XObject << /X %d 0 R >> /Font << /R 3 0 R >> >>", 6+i)
		content := strings.Repeat("/X Do\n", 30)
		if i == 11 {
			next, content = "/Resources << /Font << /R 3 0 R >> >>", show("R", 10, 50, 700, "bomb")
		}
		forms = append(forms, stream("/Type /XObject /Subtype /Form /BBox [0 0 600 800] "+next, content))
	}
	bomb := makePDF([]string{"/X Do"}, "", "/XObject << /X 5 0 R >>", forms...)
	if _, err := Parse(t.Context(), "pdf", makePDF([]string{""}, "", "")); err != nil { // compiles PDFium outside the limit
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := Parse(ctx, "pdf", bomb)
	if !errors.Is(err, context.DeadlineExceeded) && !fault.Is(err, fault.Invalid) {
		t.Errorf("error %v, want the deadline or a refusal", err)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("it took %s to give up", took)
	}
}

func TestPDFManyPages(t *testing.T) {
	t.Parallel()
	pages := make([]string, 10_000)
	for i := range pages {
		pages[i] = show("R", 10, 50, 700, fmt.Sprintf("Text of page %d.", i+1))
	}
	doc, err := Parse(t.Context(), "pdf", makePDF(pages, "", ""))
	if err != nil {
		t.Fatal(err)
	}
	if got := doc.Blocks[len(doc.Blocks)-1]; doc.Pages != len(pages) || len(doc.Blocks) != len(pages) || got.Page != len(pages) {
		t.Errorf("%d pages and %d blocks, the last %v", doc.Pages, len(doc.Blocks), got)
	}
}

// TestPDFAtOnce reads more files at once than there are instances, some broken.
func TestPDFAtOnce(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			want := fmt.Sprintf("File %d.", i)
			data := makePDF([]string{show("R", 10, 50, 700, want)}, "", "")
			if i%3 == 0 {
				data = data[:10]
			}
			doc, err := Parse(t.Context(), "pdf", data)
			switch {
			case i%3 == 0:
				if !fault.Is(err, fault.Invalid) {
					t.Errorf("error %v, want Invalid", err)
				}
			case err != nil:
				t.Error(err)
			case doc.Text() != want:
				t.Errorf("Text() = %q, want %q", doc.Text(), want)
			}
		})
	}
	wg.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Parse(ctx, "pdf", makePDF([]string{""}, "", "")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v after a cancel, want Canceled", err)
	}
}

func FuzzPDF(f *testing.F) {
	f.Add(makePDF([]string{show("B", 20, 50, 740, "Head") + show("R", 10, 50, 700, "Some words.")}, "", ""))
	f.Add([]byte("%PDF-1.7\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := Parse(ctx, "pdf", data)
		if err != nil && !fault.Is(err, fault.Invalid) && ctx.Err() == nil {
			t.Errorf("error %v, want Invalid", err)
		}
	})
}

func BenchmarkPDF(b *testing.B) {
	data, err := os.ReadFile(filepath.Join(sharedtest.Path(b, "eval", "documents"), "files", "docling__normal_4pages.pdf"))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := Parse(b.Context(), "pdf", data); err != nil { // compiles PDFium
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Parse(b.Context(), "pdf", data); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(4*b.N)/b.Elapsed().Seconds(), "pages/s")
}

// TestPDFMutations breaks a file in many ways. Fuzzing proper is slow here,
// because it instruments the compiler of the sandbox too.
func TestPDFMutations(t *testing.T) {
	t.Parallel()
	good := makePDF([]string{show("B", 20, 50, 740, "Head") + show("R", 10, 50, 700, "Some words."), show("R", 10, 50, 700, "More.")}, "/Info 5 0 R", "", "<< /Title (Of two) >>")
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 300 {
		data := bytes.Clone(good)
		for range 1 + random.IntN(8) {
			at := random.IntN(len(data))
			switch random.IntN(3) {
			case 0:
				data[at] = byte(random.UintN(256))
			case 1:
				data[at] = "0123456789 /<>[]R"[random.IntN(17)]
			default:
				end := min(at+random.IntN(40), len(data)-1)
				data = append(data[:at], data[end:]...)
			}
		}
		if _, err := Parse(t.Context(), "pdf", data); err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("mutation %d: error %v, want Invalid", i, err)
		}
	}
}
