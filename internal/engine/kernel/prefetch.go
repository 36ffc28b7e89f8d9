//go:build amd64 || arm64

package kernel

// prefetchLines asks for the cache lines of n > 0 bytes from p on.
//
//go:noescape
func prefetchLines(p *byte, n int)

// prefetchMost bounds what prefetch asks for, so that what is in use stays in the
// first-level cache. Cores are good at going on by themselves once they have begun.
const prefetchMost = 16 << 10

// prefetch asks for b to be brought near, for use right after what is done now.
func prefetch(b []byte) {
	if n := min(len(b), prefetchMost); n > 0 {
		prefetchLines(&b[0], n)
	}
}
