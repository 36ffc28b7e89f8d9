//go:build unix && !linux

package mapping

// Hints about memory.
const (
	willNeed = iota
	dontNeed
	hugePages
	scattered
)

// advise does nothing: only speed and memory statistics would show it.
func advise([]byte, int) {}
