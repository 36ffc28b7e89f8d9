package mapping

import (
	"os"
	"syscall"
	"unsafe"
)

// Hints about memory.
const (
	willNeed  = syscall.MADV_WILLNEED
	dontNeed  = syscall.MADV_DONTNEED
	hugePages = syscall.MADV_HUGEPAGE
	scattered = syscall.MADV_RANDOM
)

// advise gives a hint about the pages that part touches. It may be ignored.
func advise(part []byte, hint int) {
	if len(part) == 0 {
		return
	}
	// The system wants whole pages. Mappings consist of them, so that the bytes before
	// and after part within its first and last page are mapped too.
	first := unsafe.Pointer(unsafe.SliceData(part)) //nolint:gosec // stays within the mapping
	before := int(uintptr(first) % uintptr(os.Getpagesize()))
	pages := unsafe.Slice((*byte)(unsafe.Add(first, -before)), before+len(part)) //nolint:gosec // as above
	_ = syscall.Madvise(pages, hint)                                             // a hint
}
