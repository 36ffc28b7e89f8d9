//go:build unix

package safetensors

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
)

// maxFile is more than any address space here can map.
const maxFile = 1 << 46

// mapping is a file in memory, read only.
type mapping struct{ data []byte }

func openMapping(path string) (*mapping, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // the mapping stays
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	name, size := filepath.Base(path), info.Size()
	switch {
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", name)
	case size < 8 || size > maxFile || int64(int(size)) != size:
		return nil, fmt.Errorf("%s: %d bytes are no safetensors file", name, size)
	}
	data, err := syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping %s: %w", name, err)
	}
	return &mapping{data: data}, nil
}

// parse reads the header; a page that is gone by then is an error.
func (m *mapping) parse() (tensors map[string]*Tensor, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = errors.Join(ErrShrunk, err)
		}
	}()
	return parse(m.data)
}

func (m *mapping) close() error {
	data := m.data
	m.data = nil
	if data == nil {
		return nil
	}
	return syscall.Munmap(data)
}
