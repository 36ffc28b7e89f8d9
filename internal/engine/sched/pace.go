package sched

import "time"

const (
	// leastChunk is the fewest prompt tokens of a step: with fewer, reading the weights
	// takes longer than the arithmetic.
	leastChunk = 32
	// firstChunk is read before anything has been measured, or only less.
	firstChunk = 64
	// alone is how much longer a step may take while nobody waits for a next token.
	alone = 2
)

// pace decides how many prompt tokens a step reads, by what they took before.
type pace struct {
	most     int
	step     time.Duration
	perToken float64 // nanoseconds, averaged; negative: not measured yet
	seen     int     // tokens of recent steps, the most
}

// observe takes the time of a pass with a number of prompt tokens. What the other tokens
// of the pass took counts too: the step as a whole should be short.
func (p *pace) observe(tokens int, took time.Duration) {
	if tokens < min(leastChunk, p.most)/2 {
		return
	}
	t := float64(took) / float64(tokens)
	if p.perToken < 0 {
		p.perToken = t
	}
	p.perToken += (t - p.perToken) / 2
	p.seen = max(tokens, p.seen/2)
}

// budget returns how many prompt tokens to read. shared says that others wait for their
// next tokens. It goes no further than twice what was measured, which may have been the
// first tokens of a prompt, on a machine that had nothing else to do.
func (p *pace) budget(shared bool) int {
	if p.perToken < 0 {
		return min(firstChunk, p.most)
	}
	target := float64(p.step)
	if !shared {
		target *= alone
	}
	n := min(max(2*p.seen, firstChunk), p.most)
	if target < p.perToken*float64(n) {
		n = int(target / p.perToken)
	}
	return min(max(n/16*16, leastChunk), p.most)
}
