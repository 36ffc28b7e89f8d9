package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unsafe"
)

// PageTokens is how many tokens of a sequence share a page of the cache.
const PageTokens = 64

// maxHeadDim bounds the elements of a head, far above any model's.
const maxHeadDim = 1 << 12

// A CacheLayout is how a page holds one layer's keys and values of PageTokens tokens,
// head by head. A head's keys lie element by element, its values token by token: both
// are then rows of 16 columns and more, which the micro kernels read from the first byte
// to the last. Nothing is ever repacked.
//
//	keys, F16 or F32     [HeadDim][64 tokens]
//	values               [64 tokens][HeadDim], rows filled up to a multiple of 16
//
// Q8_0 has one int8 per element and a half as scale for every 32 elements of a token;
// 32 elements make a block:
//
//	keys                 [HeadDim/32] blocks:  scales [64 tokens], quants [32][64 tokens]
//	values               [HeadDim/32] blocks:  scales [64 tokens], quants [64 tokens][32]
//
// What rows are filled up with, and tokens that aren't stored yet, may be any bytes: they
// are never part of a result.
type CacheLayout struct {
	Type             Type // F16, Q8_0 or F32
	KVHeads, HeadDim int
}

// Check returns an error if there are no kernels for the layout.
func (l CacheLayout) Check() error {
	switch {
	case l.KVHeads <= 0 || l.KVHeads > maxHeadDim || l.HeadDim <= 0 || l.HeadDim > maxHeadDim:
		return fmt.Errorf("kernel: a cache of %d heads of %d elements", l.KVHeads, l.HeadDim)
	case l.Type == Q8_0 && l.HeadDim%32 != 0:
		return fmt.Errorf("kernel: a Q8_0 cache takes heads of a multiple of 32 elements, not %d", l.HeadDim)
	case l.Type != F16 && l.Type != Q8_0 && l.Type != F32:
		return fmt.Errorf("kernel: a cache of type %s", l.Type)
	}
	return nil
}

// PageSize returns the bytes of PageTokens tokens' keys and values of one layer.
func (l CacheLayout) PageSize() int { return l.KVHeads * (l.keySize() + l.valueSize()) }

// keySize returns the bytes of one head's keys in a page.
func (l CacheLayout) keySize() int {
	if l.Type == Q8_0 {
		return l.HeadDim / 32 * q8Block
	}
	return l.elementSize() * l.HeadDim * PageTokens
}

// valueSize returns the bytes of one head's values in a page.
func (l CacheLayout) valueSize() int {
	if l.Type == Q8_0 {
		return l.HeadDim / 32 * q8Block
	}
	return l.elementSize() * l.valueWidth() * PageTokens
}

// elementSize returns the bytes of an element of F16 or F32.
func (l CacheLayout) elementSize() int {
	if l.Type == F32 {
		return 4
	}
	return 2
}

// valueWidth returns HeadDim, rounded up to whole panels.
func (l CacheLayout) valueWidth() int { return (l.HeadDim + panelRows - 1) / panelRows * panelRows }

// q8Scales and q8Block are the bytes of a block's scales, and of a block.
const (
	q8Scales = 2 * PageTokens
	q8Block  = q8Scales + 32*PageTokens
)

// head returns the keys and values of one head of a layer's part of a page.
func (l CacheLayout) head(page []byte, head int) (keys, values []byte) {
	k, v := l.keySize(), l.valueSize()
	part := page[head*(k+v):][:k+v]
	return part[:k:k], part[k:]
}

// A CacheLayer is one layer's place in pages that hold several.
type CacheLayer struct {
	Layout CacheLayout
	Offset int // of the layer in each page, in bytes; a multiple of 4
}

// page returns the layer's part of a page.
func (l CacheLayer) page(page []byte) []byte { return page[l.Offset:][:l.Layout.PageSize()] }

// A CachedSpan is a run of tokens of one sequence, whose keys and values are in pages.
type CachedSpan struct {
	Start, Tokens int      // the first token's position, and how many there are
	Pages         [][]byte // all of the sequence, in order; at least Start+Tokens tokens
}

// check returns an error if the pages don't have room for the span.
func (s *CachedSpan) check(l CacheLayer) error {
	if s.Start < 0 || s.Tokens < 0 || s.Start > math.MaxInt32 || s.Tokens > math.MaxInt32 {
		return fmt.Errorf("kernel: %d tokens from position %d", s.Tokens, s.Start)
	}
	need := (s.Start + s.Tokens + PageTokens - 1) / PageTokens
	if len(s.Pages) < need {
		return fmt.Errorf("kernel: %d pages of %d tokens for %d", len(s.Pages), PageTokens, s.Start+s.Tokens)
	}
	size := l.Layout.PageSize()
	for _, p := range s.Pages[:need] {
		if l.Offset < 0 || len(p)-size < l.Offset {
			return fmt.Errorf("kernel: a page of %d bytes, want %d from %d on", len(p), size, l.Offset)
		}
		if l.Layout.Type == F32 && uintptr(unsafe.Pointer(&p[l.Offset]))%4 != 0 { //nolint:gosec // only looked at
			return errors.New("kernel: an F32 page at an address that is no multiple of 4")
		}
	}
	return nil
}

// StoreKV stores the keys and values of a span, rows of KVHeads·HeadDim elements. It
// works on the calling goroutine; spans, and parts of one at multiples of 16 positions,
// may be stored at the same time.
func (c *Compute) StoreKV(l CacheLayer, s CachedSpan, k, v []float32) error {
	if err := l.Layout.Check(); err != nil {
		return err
	}
	if err := s.check(l); err != nil {
		return err
	}
	width := l.Layout.KVHeads * l.Layout.HeadDim
	if len(k) != s.Tokens*width || len(v) != len(k) {
		return fmt.Errorf("kernel: %d and %d elements for the keys and values of %d tokens", len(k), len(v), s.Tokens)
	}
	sc := c.getScratch()
	defer c.putScratch(sc)
	sc.row = grow(sc.row, 2*l.Layout.HeadDim+act32Size)
	d := l.Layout.HeadDim
	for i := range s.Tokens {
		at := s.Start + i
		page := l.page(s.Pages[at/PageTokens])
		for h := range l.Layout.KVHeads {
			keys, values := l.Layout.head(page, h)
			c.storeToken(l.Layout, sc.row, keys, values, kvToken{
				key: k[i*width+h*d:][:d], value: v[i*width+h*d:][:d], slot: at % PageTokens,
			})
		}
	}
	return nil
}

// kvToken is one head's key and value of the token that has the given place in a page.
type kvToken struct {
	key, value []float32
	slot       int
}

func (c *Compute) storeToken(l CacheLayout, row, keys, values []byte, t kvToken) {
	switch l.Type {
	case Q8_0:
		for b := range l.HeadDim / 32 {
			c.storeQ8(keys[b*q8Block:][:q8Block], row, t.key[32*b:][:32], t.slot)
			for e, q := range row[8:act32Size] {
				keys[b*q8Block+q8Scales+e*PageTokens+t.slot] = q
			}
			c.storeQ8(values[b*q8Block:][:q8Block], row, t.value[32*b:][:32], t.slot)
			copy(values[b*q8Block+q8Scales+32*t.slot:][:32], row[8:])
		}
	case F16:
		c.r.cache.toF16(row, t.key)
		for e := range l.HeadDim {
			o := 2 * (e*PageTokens + t.slot)
			keys[o], keys[o+1] = row[2*e], row[2*e+1]
		}
		c.r.cache.toF16(values[2*t.slot*l.valueWidth():], t.value)
	default:
		for e, x := range t.key {
			binary.LittleEndian.PutUint32(keys[4*(e*PageTokens+t.slot):], math.Float32bits(x))
		}
		to := values[4*t.slot*l.valueWidth():]
		for e, x := range t.value {
			binary.LittleEndian.PutUint32(to[4*e:], math.Float32bits(x))
		}
	}
}

// storeQ8 quantises 32 elements into row, in the form of activations, and stores their
// scale in a block.
func (c *Compute) storeQ8(block, row []byte, x []float32, slot int) {
	c.r.act32(row[:act32Size], 1, 0, x)
	binary.LittleEndian.PutUint16(block[2*slot:], F32ToF16(actScale(row, 0)))
}

// floatsOf returns the floats in bytes that are aligned to 4.
func floatsOf(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4) //nolint:gosec // CachedSpan.check has seen to the alignment
}
