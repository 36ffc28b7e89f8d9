//go:build race || invariants

package arch

import (
	"fmt"
	"unsafe"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// checkSharing returns an error if a page that one span writes to belongs to another
// span as well, or twice to the same.
func checkSharing(spans []Span) error {
	type place struct{ span, page int }
	pages := map[*byte][]place{}
	for i, s := range spans {
		for k, p := range s.Pages[:(s.Start+len(s.IDs)+kernel.PageTokens-1)/kernel.PageTokens] {
			start := unsafe.SliceData(p)
			pages[start] = append(pages[start], place{i, k})
		}
	}
	for _, places := range pages {
		for _, p := range places {
			if len(places) > 1 && p.page >= spans[p.span].Start/kernel.PageTokens {
				return fmt.Errorf("page %d of span %d, which it writes to, has %d owners", p.page, p.span, len(places))
			}
		}
	}
	return nil
}
