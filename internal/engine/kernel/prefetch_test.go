//go:build amd64 || arm64

package kernel

import "testing"

// TestPrefetchChangesNothing asks for parts at every border of a line: nothing may be
// written, and nothing beyond a part need exist.
func TestPrefetchChangesNothing(t *testing.T) {
	t.Parallel()
	b := make([]byte, 2*prefetchMost)
	for i := range b {
		b[i] = byte(i)
	}
	for _, n := range []int{0, 1, 63, 64, 65, 128, len(b)} {
		for from := range 130 {
			prefetch(b[min(from, len(b)-n):][:n])
		}
	}
	prefetch(nil)
	for i := range b {
		if b[i] != byte(i) {
			t.Fatalf("byte %d changed", i)
		}
	}
}
