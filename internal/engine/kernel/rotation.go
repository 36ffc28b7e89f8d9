package kernel

import (
	"fmt"
	"math"
)

// A Rotation is a rotary position embedding: pairs of a head's elements are turned by
// angles that grow with the token's position.
type Rotation struct {
	HeadDim int
	// Frequencies are the pairs' angles per position, in radians. 2·len(Frequencies) may
	// be less than HeadDim: the rest of a head isn't turned.
	Frequencies []float64
	// Interleaved pairs are neighbours, (0, 1), (2, 3) …; the others are n apart: (0, n),
	// (1, n+1) … for n frequencies.
	Interleaved bool
	// Magnitude is what the turned elements are multiplied by; 0 means 1.
	Magnitude float64
}

// Check returns an error if the rotation doesn't fit its heads.
func (r *Rotation) Check() error {
	if n := len(r.Frequencies); n == 0 || 2*n > r.HeadDim {
		return fmt.Errorf("kernel: %d rotations in a head of %d elements", n, r.HeadDim)
	}
	return nil
}

// Angles fills dst for a position: the cosines and then the sines of all pairs, times
// the magnitude.
func (r *Rotation) Angles(dst []float32, position int) {
	n := len(r.Frequencies)
	cos, sin := dst[:n], dst[n:][:n]
	m := r.Magnitude
	if m == 0 {
		m = 1
	}
	for i, f := range r.Frequencies {
		s, c := math.Sincos(f * float64(position))
		cos[i], sin[i] = float32(c*m), float32(s*m)
	}
}

// Rotate turns all heads of one token, whose Angles are given. It works on the calling
// goroutine.
func (c *Compute) Rotate(x []float32, r *Rotation, angles []float32) {
	n := len(r.Frequencies)
	turn := c.r.cache.rotateHalves
	if r.Interleaved {
		turn = c.r.cache.rotatePairs
	}
	angles = angles[:2*n]
	for ; len(x) > 0; x = x[r.HeadDim:] {
		turn(x[:2*n], angles)
	}
}
