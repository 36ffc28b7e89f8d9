// Package pdfium reads the text of PDF files with PDFium, which runs as
// WebAssembly: what a file makes it do ends at the walls of the sandbox, whose
// memory and time are bounded, and which has no files, clock or network.
//
// It gives the glyphs of each page with their places and leaves to package
// document what to make of them. It does not draw pages and opens nothing that
// wants a password.
//
// PDFium is unpacked and compiled when the first file is read, once per process.
// Every file gets an instance of its own, because one that has read a hostile
// file may be in any state, and the next file may be another customer's; at most
// maxAtOnce are in use and further readers wait.
package pdfium

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Bounds on one file.
const (
	MaxPages  = 50_000
	maxTime   = 2 * time.Minute
	maxMemory = 8192 // pages of 64 KiB
	maxGlyphs = 1 << 20
	maxAtOnce = 4
	maxTitle  = 1 << 10 // bytes
)

// Errors that Read's error may wrap.
var (
	ErrPassword = errors.New("it wants a password")
	ErrFormat   = errors.New("it is damaged or not a PDF file")
	ErrPages    = fmt.Errorf("it has more than %d pages", MaxPages)
	ErrGlyphs   = fmt.Errorf("a page has more than %d letters", maxGlyphs)
	ErrTime     = fmt.Errorf("reading it took longer than %s", maxTime)
	// ErrCrash is PDFium giving up; most often it wants more memory than it may have.
	ErrCrash = errors.New("it is damaged or needs more memory than a document may")
)

// Info is what a file says of itself.
type Info struct {
	Title string
	Pages int
}

// Page is one page of a file. Places are in points; y grows upwards.
type Page struct {
	Number        int // from 1
	Width, Height float64
	Glyphs        []Glyph // nil when there is no text or the page is damaged
}

// Glyph is a character where it is drawn, in the order of the page's content.
// Spaces and line ends that PDFium found between glyphs are among them.
type Glyph struct {
	Rune                     rune
	Hyphen                   bool    // breaks a word at the end of a line
	Left, Bottom, Right, Top float64 // zero for what is not drawn
	Style
}

// Style is how a run of glyphs is drawn.
type Style struct {
	Size  float64 // in points, as drawn
	Angle float64 // of the writing direction, counter-clockwise, in radians
	Bold  bool
}

// Read reads a file page by page and hands each to take, whose error ends it. The
// page's glyphs are valid until take returns.
func Read(ctx context.Context, data []byte, take func(Info, *Page) error) error {
	box, err := shared()
	if err != nil {
		return fmt.Errorf("pdfium: %w", err)
	}
	select {
	case box.slots <- struct{}{}:
		defer func() { <-box.slots }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	limited, cancel := context.WithTimeoutCause(ctx, maxTime, ErrTime)
	defer cancel()
	err = box.read(limited, data, take)
	if err != nil && limited.Err() != nil {
		return context.Cause(limited)
	}
	return err
}
