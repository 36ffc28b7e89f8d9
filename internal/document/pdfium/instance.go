package pdfium

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf16"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// instance is PDFium with one file open. Its first error sticks, and then its
// calls return zero.
type instance struct {
	module  api.Module
	scratch uint32 // scratchSize bytes in the module's memory
	funcs   map[string]api.Function
	stack   [6]uint64
	err     error
}

const scratchSize = maxTitle

// PDFium's FPDF_GetLastError.
const (
	errFile     = 2
	errFormat   = 3
	errPassword = 4
	errSecurity = 5
)

func (b *sandbox) read(ctx context.Context, data []byte, take func(Info, *Page) error) error {
	m, err := b.runtime.InstantiateModule(ctx, b.program, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return fmt.Errorf("pdfium: %w", err)
	}
	// Closing must not fail for a context that has ended.
	defer func() { _ = m.Close(context.WithoutCancel(ctx)) }()
	p := &instance{module: m, funcs: map[string]api.Function{}}
	p.call(ctx, "emscripten_stack_init")
	p.call(ctx, "__wasm_call_ctors")
	p.call(ctx, "PDFium_Init")
	p.scratch = api.DecodeU32(p.call(ctx, "malloc", scratchSize))
	doc := p.open(ctx, data)
	if p.err != nil {
		return p.err
	}
	info := Info{Title: p.title(ctx, doc), Pages: int(api.DecodeI32(p.call(ctx, "FPDF_GetPageCount", doc)))}
	if info.Pages > MaxPages {
		return ErrPages
	}
	page := &Page{}
	for i := range info.Pages {
		p.page(ctx, doc, i, page)
		if p.err != nil {
			return p.err
		}
		if err := take(info, page); err != nil {
			return err
		}
	}
	return p.err
}

// call calls an exported function. What a file can make long runs under ctx, whose end stops the program.
func (p *instance) call(ctx context.Context, name string, args ...uint64) uint64 {
	if p.err != nil {
		return 0
	}
	f := p.funcs[name]
	if f == nil {
		if f = p.module.ExportedFunction(name); f == nil {
			p.err = fmt.Errorf("pdfium: no function %s", name)
			return 0
		}
		p.funcs[name] = f
	}
	p.stack = [6]uint64{}
	copy(p.stack[:], args)
	if err := f.CallWithStack(ctx, p.stack[:]); err != nil {
		p.err = fmt.Errorf("%w: %s", ErrCrash, name)
		return 0
	}
	return p.stack[0]
}

func (p *instance) open(ctx context.Context, data []byte) uint64 {
	at := p.call(ctx, "malloc", uint64(len(data)))
	if p.err != nil {
		return 0
	}
	if at == 0 || !p.module.Memory().Write(api.DecodeU32(at), data) {
		p.err = ErrCrash
		return 0
	}
	doc := p.call(ctx, "FPDF_LoadMemDocument", at, uint64(len(data)), 0)
	if doc != 0 || p.err != nil {
		return doc
	}
	switch code := p.call(ctx, "FPDF_GetLastError"); code {
	case errPassword, errSecurity:
		p.err = ErrPassword
	case errFile, errFormat:
		p.err = ErrFormat
	default:
		p.err = errors.Join(p.err, ErrFormat)
	}
	return 0
}

func (p *instance) title(ctx context.Context, doc uint64) string {
	const name = "Title\x00"
	at := uint64(p.scratch)
	if p.err != nil || !p.module.Memory().WriteString(p.scratch, name) {
		return ""
	}
	n := p.call(ctx, "FPDF_GetMetaText", doc, at, at+uint64(len(name)), scratchSize-uint64(len(name)))
	raw, ok := p.module.Memory().Read(p.scratch+uint32(len(name)), uint32(min(n, scratchSize-uint64(len(name)))))
	if !ok {
		return ""
	}
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(raw[2*i:])
	}
	return strings.TrimSpace(strings.ReplaceAll(string(utf16.Decode(units)), "\x00", ""))
}

// page reads page i. One that PDFium cannot load has no glyphs.
func (p *instance) page(ctx context.Context, doc uint64, i int, page *Page) {
	*page = Page{Number: i + 1, Glyphs: page.Glyphs[:0]}
	handle := p.call(ctx, "FPDF_LoadPage", doc, uint64(i)) //nolint:gosec // i counts from zero
	if handle == 0 {
		return
	}
	page.Width = float64(api.DecodeF32(p.call(ctx, "FPDF_GetPageWidthF", handle)))
	page.Height = float64(api.DecodeF32(p.call(ctx, "FPDF_GetPageHeightF", handle)))
	if text := p.call(ctx, "FPDFText_LoadPage", handle); text != 0 {
		// What follows is quick for each glyph; the loop looks at ctx itself.
		quick := context.WithoutCancel(ctx)
		n := int(api.DecodeI32(p.call(quick, "FPDFText_CountChars", text)))
		if n > maxGlyphs {
			p.err = ErrGlyphs
			return
		}
		r := run{instance: p, text: text}
		for g := range n {
			if g%4096 == 0 && ctx.Err() != nil {
				p.err = context.Cause(ctx)
				return
			}
			page.Glyphs = append(page.Glyphs, r.glyph(quick, uint64(g)))
		}
		p.call(ctx, "FPDFText_ClosePage", text)
	}
	p.call(ctx, "FPDF_ClosePage", handle)
}

// run reads glyphs, and the style once per text object.
type run struct {
	*instance
	text   uint64
	object uint64
	style  Style
}

func (r *run) glyph(ctx context.Context, i uint64) Glyph {
	g := Glyph{Rune: api.DecodeI32(r.call(ctx, "FPDFText_GetUnicode", r.text, i))}
	const wordBreak = 2 // PDFium's mark for a hyphen at the end of a line
	if g.Rune == wordBreak {
		g.Rune, g.Hyphen = '-', true
	}
	if o := r.call(ctx, "FPDFText_GetTextObject", r.text, i); o != 0 && o != r.object {
		r.object, r.style = o, r.styleAt(ctx, i)
	}
	g.Style = r.style
	if r.call(ctx, "FPDFText_GetLooseCharBox", r.text, i, uint64(r.scratch)) != 0 {
		box := r.floats(4)
		g.Left, g.Top, g.Right, g.Bottom = box[0], box[1], box[2], box[3]
	}
	return g
}

func (r *run) styleAt(ctx context.Context, i uint64) Style {
	var s Style
	s.Size = api.DecodeF64(r.call(ctx, "FPDFText_GetFontSize", r.text, i))
	if r.call(ctx, "FPDFText_GetMatrix", r.text, i, uint64(r.scratch)) != 0 {
		m := r.floats(4) // a b c d: the directions of writing and of the lines
		s.Size *= math.Hypot(m[2], m[3])
		s.Angle = math.Atan2(m[1], m[0])
	}
	weight := api.DecodeI32(r.call(ctx, "FPDFText_GetFontWeight", r.text, i))
	n := r.call(ctx, "FPDFText_GetFontInfo", r.text, i, uint64(r.scratch), scratchSize, 0)
	name, _ := r.module.Memory().Read(r.scratch, uint32(min(n, scratchSize)))
	s.Bold = weight >= 600 || boldName(strings.ToLower(strings.TrimRight(string(name), "\x00")))
	return s
}

// boldName reports whether a font's name says that it is bold; TeX's fonts do so in
// words of their own.
func boldName(name string) bool {
	for _, word := range []string{"bold", "black", "heavy", "demi", "cmbx", "sfbx", "ecbx"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return strings.HasSuffix(name, "-medi")
}

// floats reads n numbers from scratch; one that is not finite is zero.
func (r *run) floats(n int) [4]float64 {
	var out [4]float64
	for i := range n {
		v, _ := r.module.Memory().ReadFloat32Le(r.scratch + uint32(4*i))
		if f := float64(v); !math.IsNaN(f) && !math.IsInf(f, 0) {
			out[i] = f
		}
	}
	return out
}
