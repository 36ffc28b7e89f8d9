//go:build race || invariants

package arch_test

import (
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/arch"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// TestSharedPagesAreNoticed gives two spans a page that one of them writes to.
func TestSharedPagesAreNoticed(t *testing.T) {
	t.Parallel()
	d := smallDecoder(t)
	const first = kernel.PageTokens
	shared := newPages(d, 2*first)
	own := newPages(d, 2*first)
	var m arch.DecoderMemory
	for name, c := range map[string]struct {
		spans []arch.Span
		fine  bool
	}{
		"shared prefix": {[]arch.Span{
			{IDs: []int32{1}, Start: first, Pages: shared},
			{IDs: []int32{1}, Start: first, Pages: [][]byte{shared[0], own[1]}},
		}, true},
		"both write": {[]arch.Span{{IDs: []int32{1}, Pages: shared}, {IDs: []int32{1}, Pages: shared}}, false},
		"one writes": {[]arch.Span{
			{IDs: []int32{1}, Pages: shared},
			{IDs: []int32{1}, Start: first, Pages: [][]byte{shared[0], own[1]}},
		}, false},
		"twice in one": {[]arch.Span{{IDs: []int32{1}, Start: first, Pages: [][]byte{own[0], own[0]}}}, false},
	} {
		_, err := d.Forward(t.Context(), c.spans, &m)
		if c.fine != (err == nil) || err != nil && !strings.Contains(err.Error(), "owners") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
