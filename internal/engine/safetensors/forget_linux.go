package safetensors

import "syscall"

func (m *mapping) forget() { _ = syscall.Madvise(m.data, syscall.MADV_DONTNEED) } // a hint
