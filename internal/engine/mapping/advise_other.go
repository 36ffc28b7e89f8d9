//go:build unix && !linux

package mapping

// Hints about memory.
const (
	willNeed = iota
	dontNeed
	hugePages
)

// advise does nothing: only speed and memory statistics would show it.
func advise([]byte, int) {}
