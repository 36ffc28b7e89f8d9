package document

import (
	"context"
	"errors"
	"fmt"

	"github.com/outcrop-ai/outcrop/internal/document/pdfium"
	"github.com/outcrop-ai/outcrop/internal/fault"
)

// parsePDF reads the lines of every page, then decides what they are: a heading
// shows only against the text of the whole document, a running head against the
// other pages.
func parsePDF(b *builder, data []byte) error {
	var lines []pdfLine
	size, unread := 0, 0
	err := pdfium.Read(b.ctx, data, func(info pdfium.Info, p *pdfium.Page) error {
		b.doc.Title, b.doc.Pages = info.Title, info.Pages
		found := pageLines(p)
		if len(found) == 0 {
			unread++
		}
		for i := range found {
			size += len(found[i].text)
		}
		if size > maxText || len(lines) > maxBlocks {
			return fault.Errorf(fault.Invalid, "The pdf document holds too much text: over %d bytes or %d lines.", maxText, maxBlocks)
		}
		lines = append(lines, found...)
		return nil
	})
	if err != nil {
		return pdfError(err)
	}
	if unread > 0 {
		b.doc.Notices = append(b.doc.Notices, fmt.Sprintf("%d of %d pages hold no text that can be read: they are empty, or pictures such as scans.", unread, b.doc.Pages))
	}
	lines = dropRunningHeads(lines, b.doc.Pages)
	(&pdfWriter{b: b, look: lookOf(lines)}).write(lines)
	return nil
}

func pdfError(err error) error {
	var known *fault.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, pdfium.ErrPassword):
		return fault.Errorf(fault.Invalid, "The pdf document is encrypted; save it without a password.")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	}
	for _, known := range []error{pdfium.ErrFormat, pdfium.ErrPages, pdfium.ErrGlyphs, pdfium.ErrCrash, pdfium.ErrTime} {
		if errors.Is(err, known) { // what more the error says is not for callers
			return fault.Errorf(fault.Invalid, "The pdf document could not be read: %w.", known)
		}
	}
	return fmt.Errorf("pdf: %w", err)
}
