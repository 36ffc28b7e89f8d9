package kv

import (
	"errors"
	"fmt"

	"github.com/outcrop-ai/outcrop/internal/engine/mapping"
)

const (
	// slabBytes is what is taken from the system at a time, if a page isn't larger.
	slabBytes = 64 << 20
	// align is a cache line: pages start at one.
	align = 64
)

// page is a piece of a slab.
type page struct {
	data []byte
	slab int
}

// slab is one mapping. Its memory is nil while none of its pages is in use.
type slab struct {
	memory *mapping.Memory
	pages  int
	free   []page
}

// pool hands out pages within a budget.
type pool struct {
	pageBytes int
	slabs     []slab
	total     int
	used      int
	mapped    int64
}

func newPool(pageBytes int, budget int64) *pool {
	stride := stride(pageBytes)
	p := &pool{pageBytes: pageBytes, total: int(budget / int64(stride))}
	each := max(slabBytes/stride, 1)
	for left := p.total; left > 0; left -= each {
		p.slabs = append(p.slabs, slab{pages: min(each, left)})
	}
	return p
}

// stride is the distance between pages.
func stride(pageBytes int) int { return (pageBytes + align - 1) / align * align }

// left returns how many pages can still be taken.
func (p *pool) left() int { return p.total - p.used }

// take returns a page with arbitrary contents. The first slab that has one provides it, so
// that the last ones become free when less is needed.
func (p *pool) take() (page, error) {
	for i := range p.slabs {
		s := &p.slabs[i]
		if s.memory == nil {
			if err := p.mapSlab(i); err != nil {
				return page{}, err
			}
		}
		if n := len(s.free); n > 0 {
			taken := s.free[n-1]
			s.free = s.free[:n-1]
			p.used++
			return taken, nil
		}
	}
	return page{}, ErrFull
}

func (p *pool) mapSlab(i int) error {
	s, stride := &p.slabs[i], stride(p.pageBytes)
	m, err := mapping.NewMemory(s.pages * stride)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	s.memory = m
	p.mapped += int64(s.pages * stride)
	for n := s.pages - 1; n >= 0; n-- { // the first is taken first
		s.free = append(s.free, page{m.Data()[n*stride:][:p.pageBytes:p.pageBytes], i})
	}
	return nil
}

// give takes a page back.
func (p *pool) give(pg page) {
	s := &p.slabs[pg.slab]
	s.free = append(s.free, pg)
	p.used--
}

// trim gives slabs back to the system that have no page in use.
func (p *pool) trim() error {
	var errs []error
	for i := range p.slabs {
		if s := &p.slabs[i]; s.memory != nil && len(s.free) == s.pages {
			errs = append(errs, p.unmap(i))
		}
	}
	return errors.Join(errs...)
}

func (p *pool) unmap(i int) error {
	s := &p.slabs[i]
	if s.memory == nil {
		return nil
	}
	err := s.memory.Close()
	s.memory, s.free = nil, nil
	p.mapped -= int64(s.pages * stride(p.pageBytes))
	return err
}

// close gives everything back. No page may be used any more.
func (p *pool) close() error {
	var errs []error
	for i := range p.slabs {
		errs = append(errs, p.unmap(i))
	}
	return errors.Join(errs...)
}
