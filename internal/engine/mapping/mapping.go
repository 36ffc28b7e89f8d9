//go:build unix

// Package mapping keeps files in memory without reading them: a model's weights come
// from the page cache when they are used, and several processes share them.
//
// A mapped file can lose its bytes while it is in use, when somebody cuts it short or
// its disk fails. Touching such a page ends a process. File.Guard makes it an error of
// the goroutine that touches instead, so everything that reads mapped bytes does so
// inside a Guard, on every goroutine of its own: goroutines started inside are not
// guarded.
//
// The package knows no format and writes no file. It also hands out anonymous memory,
// for weights that are made here: kept apart from the garbage collector's heap, on huge
// pages where the system has them, and given back at once.
package mapping

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"unsafe"
)

// ErrShrunk says that a file lost bytes while it was in use.
var ErrShrunk = errors.New("the file changed while it was in use")

// maxSize is more than any address space here can map.
const maxSize = 1 << 46

// File is a file in memory, read only. It is safe for concurrent use until it is
// closed.
type File struct {
	name string
	data []byte
	info os.FileInfo
}

// Open maps a regular file that is not empty.
func Open(path string) (*File, error) {
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
	case size == 0:
		return nil, fmt.Errorf("%s is empty", name)
	case size > maxSize || int64(int(size)) != size:
		return nil, fmt.Errorf("%s: %d bytes are too many", name, size)
	}
	data, err := syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping %s: %w", name, err)
	}
	return &File{name: name, data: data, info: info}, nil
}

// Name returns the file's name, without its folder.
func (f *File) Name() string { return f.name }

// Info describes the file as it was when it was opened.
func (f *File) Info() os.FileInfo { return f.info }

// Data returns the file's bytes. They are gone once the file is closed, and are read
// inside Guard only.
func (f *File) Data() []byte { return f.data }

// Guard calls fn, which reads the file's bytes on the goroutine it is called on. When
// some of them are not there any more, fn ends there and the error is ErrShrunk.
func (f *File) Guard(fn func() error) (err error) {
	before := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(before)
		r := recover()
		if r == nil {
			return
		}
		if !f.faulted(r) {
			panic(r) //nolint:forbidigo // fn's own, not ours to hide
		}
		err = fmt.Errorf("%s: %w", f.name, ErrShrunk)
	}()
	return fn()
}

// faulted reports whether a panic is the fault of one of the file's pages.
func (f *File) faulted(r any) bool {
	fault, ok := r.(interface {
		runtime.Error
		Addr() uintptr
	})
	if !ok || len(f.data) == 0 {
		return false
	}
	start := address(f.data)
	page := uintptr(os.Getpagesize())
	end := (start + uintptr(len(f.data)) + page - 1) / page * page
	return start <= fault.Addr() && fault.Addr() < end
}

// WillNeed tells the system that a part of the file is about to be read.
func (f *File) WillNeed(part []byte) { advise(part, willNeed) }

// Scattered tells the system that a part of the file is read in places far apart: what
// lies around them need not come along.
func (f *File) Scattered(part []byte) { advise(part, scattered) }

// Forget tells the system that a part of the file is not needed in this process's
// memory; it comes back from the file when it is read again. What lies around it may go
// too: touching a byte can bring a whole huge page.
func (f *File) Forget(part []byte) {
	if len(part) == 0 || len(f.data) == 0 {
		return
	}
	all, first := address(f.data), address(part)
	from := max(first/hugePage*hugePage, all)
	to := min((first+uintptr(len(part))+hugePage-1)/hugePage*hugePage, all+uintptr(len(f.data)))
	advise(f.data[from-all:to-all], dontNeed)
}

// hugePage is the size of the largest pages that files are mapped by.
const hugePage = 2 << 20

// address returns where b lies, to be compared and never followed.
func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) } //nolint:gosec // see above

// Close unmaps the file. Closing twice is fine.
func (f *File) Close() error {
	data := f.data
	f.data = nil
	if data == nil {
		return nil
	}
	return syscall.Munmap(data)
}

// Memory is anonymous memory, zero at first.
type Memory struct{ data []byte }

// NewMemory takes size bytes, which count as used only when they are written to.
func NewMemory(size int) (*Memory, error) {
	if size <= 0 || size > maxSize {
		return nil, fmt.Errorf("%d bytes of memory", size)
	}
	data, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("%d bytes of memory: %w", size, err)
	}
	advise(data, hugePages)
	return &Memory{data: data}, nil
}

// Data returns the memory, which is gone once it is closed.
func (m *Memory) Data() []byte { return m.data }

// Close gives the memory back. Closing twice is fine.
func (m *Memory) Close() error {
	data := m.data
	m.data = nil
	if data == nil {
		return nil
	}
	return syscall.Munmap(data)
}
