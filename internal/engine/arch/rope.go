package arch

import (
	"errors"
	"fmt"
	"math"
)

// RopeScaling is how a model's positions are stretched beyond those it was trained on.
type RopeScaling uint8

// The ways to stretch positions.
const (
	RopePlain   RopeScaling = iota
	RopeLinear              // positions are divided by Factor
	RopeDynamic             // the base grows with the position (dynamic NTK)
	RopeYaRN                // slow pairs as if linear, fast ones as they are, a ramp between
	RopeLlama3              // the same with Llama 3's ramp
)

// Rope describes rotary positions: pair i of Dim/2 turns by Base^(-2i/Dim) per position.
type Rope struct {
	Base float64
	Dim  int // elements of a head that turn: the first ones
	// Interleaved pairs are neighbours, as in llama2.c and in GGUF files of "llama"
	// models; otherwise pairs lie Dim/2 apart, as in Hugging Face's folders.
	Interleaved bool

	Scaling  RopeScaling
	Factor   float64 // by how much the context is stretched
	Original int     // tokens of a sequence in training

	BetaFast, BetaSlow    float64 // YaRN: turns within Original at the ends of the ramp
	Magnitude             float64 // YaRN: of what is turned; 0: 0.1·ln(Factor)+1
	Untruncated           bool    // YaRN: the ramp's ends aren't rounded to whole pairs
	LowFactor, HighFactor float64 // Llama 3: Original over the wavelengths at the ramp's ends
}

func (r *Rope) validate(headDim int) error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if r.Dim < 2 || r.Dim%2 != 0 || r.Dim > headDim {
		bad("%d of a head's %d elements turn: an even number up to all can", r.Dim, headDim)
	}
	if !(r.Base > 1) || math.IsInf(r.Base, 1) {
		bad("the base of rotary positions is %v", r.Base)
	}
	if r.Scaling == RopePlain {
		return errors.Join(problems...)
	}
	if !(r.Factor >= 1 && r.Factor <= 1<<16) {
		bad("positions are stretched by %v: 1 to 65536 can be used", r.Factor)
	}
	if r.Scaling != RopeLinear && (r.Original < 1 || r.Original > maxDecoderContext) {
		bad("the context of training is %d: 1 to %d can be used", r.Original, maxDecoderContext)
	}
	switch r.Scaling {
	case RopeDynamic:
		if r.Dim == 2 {
			bad("dynamic scaling needs more than one pair")
		}
	case RopeYaRN:
		if !finite(r.BetaFast) || !finite(r.BetaSlow) || r.Magnitude < 0 || r.Magnitude != 0 && !finite(r.Magnitude) {
			bad("YaRN from %v to %v turns, magnitude %v", r.BetaFast, r.BetaSlow, r.Magnitude)
		}
	case RopeLlama3:
		if !finite(r.LowFactor) || !finite(r.HighFactor) || r.LowFactor >= r.HighFactor {
			bad("Llama 3's positions with factors %v and %v", r.LowFactor, r.HighFactor)
		}
	default:
	}
	return errors.Join(problems...)
}

// frequencies returns the pairs' angles per position. Only those of dynamic scaling
// depend on the position, see dynamic.
func (r *Rope) frequencies() []float64 {
	f := make([]float64, r.Dim/2)
	r.fill(f, r.Base)
	switch r.Scaling {
	case RopeLinear:
		for i := range f {
			f[i] /= r.Factor
		}
	case RopeYaRN:
		r.yarn(f)
	case RopeLlama3:
		r.llama3(f)
	default:
	}
	return f
}

func (r *Rope) fill(f []float64, base float64) {
	for i := range f {
		f[i] = math.Pow(base, -2*float64(i)/float64(r.Dim))
	}
}

// dynamic fills f for a position beyond those of training, and reports whether it is
// one. Each token turns as it would if it were the last of its sequence: so it is in
// generation token by token, and a token's key, once cached, never has to change.
func (r *Rope) dynamic(f []float64, position int) bool {
	if r.Scaling != RopeDynamic || position < r.Original {
		return false
	}
	grown := r.Factor*float64(position+1)/float64(r.Original) - (r.Factor - 1)
	r.fill(f, r.Base*math.Pow(grown, float64(r.Dim)/float64(r.Dim-2)))
	return true
}

// yarn interpolates the slow pairs (YaRN, section 3.2).
func (r *Rope) yarn(f []float64) {
	pair := func(turns float64) float64 {
		return float64(r.Dim) * math.Log(float64(r.Original)/(turns*2*math.Pi)) / (2 * math.Log(r.Base))
	}
	low, high := pair(r.BetaFast), pair(r.BetaSlow)
	if !r.Untruncated {
		low, high = math.Floor(low), math.Ceil(high)
	}
	low, high = max(low, 0), min(high, float64(r.Dim-1))
	if low == high {
		high += 0.001
	}
	for i := range f {
		slow := min(max((float64(i)-low)/(high-low), 0), 1)
		f[i] = f[i]/r.Factor*slow + f[i]*(1-slow)
	}
}

// llama3 interpolates the slow pairs, by their wavelengths.
func (r *Rope) llama3(f []float64) {
	for i, x := range f {
		turns := float64(r.Original) * x / (2 * math.Pi)
		fast := min(max((turns-r.LowFactor)/(r.HighFactor-r.LowFactor), 0), 1)
		f[i] = x/r.Factor*(1-fast) + x*fast
	}
}

// magnitude returns what turned elements are multiplied by.
func (r *Rope) magnitude() float64 {
	switch {
	case r.Scaling != RopeYaRN:
		return 1
	case r.Magnitude > 0:
		return r.Magnitude
	default:
		return yarnMagnitude(r.Factor, 1)
	}
}

func yarnMagnitude(factor, scale float64) float64 {
	if factor <= 1 {
		return 1
	}
	return 0.1*scale*math.Log(factor) + 1
}
