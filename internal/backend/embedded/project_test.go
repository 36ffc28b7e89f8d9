package embedded

import (
	"hash/crc32"
	"math"
	"math/rand/v2"
	"testing"
)

func random(rng *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return v
}

func inner(a, b []float32) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// TestProjectKeepsAngles compares lengths and inner products before and after.
func TestProjectKeepsAngles(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	f := func(from, to int, off float64) {
		t.Helper()
		var worst float64
		for range 200 {
			a, b := random(rng, from), random(rng, from)
			for i := range b { // a cosine of some size
				b[i] += a[i]
			}
			pa, pb := project(a, to), project(b, to)
			if len(pa) != to || math.Abs(length(pa)/length(a)-1) > 1e-5 {
				t.Fatalf("%d to %d: %d dimensions, length %v for %v", from, to, len(pa), length(pa), length(a))
			}
			before := inner(a, b) / length(a) / length(b)
			after := inner(pa, pb) / length(pa) / length(pb)
			worst = max(worst, math.Abs(before-after))
		}
		if worst > off {
			t.Errorf("%d to %d: a cosine is %v off, want at most %v", from, to, worst, off)
		}
	}
	for _, to := range []int{512, 1024, 1536} {
		f(384, to, 1e-5)
	}
	f(384, 256, 0.15)
	f(768, 1024, 1e-5)
	f(768, 512, 0.15)
	f(32, 256, 1e-5)
}

func TestProjectZero(t *testing.T) {
	t.Parallel()
	for _, x := range project(make([]float32, 384), 1024) {
		if x != 0 {
			t.Fatal("zero does not stay zero")
		}
	}
}

// TestProjectNeverChanges pins the signs: indexes hold vectors made with them.
func TestProjectNeverChanges(t *testing.T) {
	t.Parallel()
	f := func(to int, want uint32) {
		t.Helper()
		v := make([]float32, 384)
		for i := range v {
			v[i] = float32(i%7) - 3
		}
		var bits []byte
		for _, x := range project(v, to) {
			bits = append(bits, byte(math.Float32bits(x)>>31)) // signs do not hang on rounding
		}
		if got := crc32.ChecksumIEEE(bits); got != want {
			t.Errorf("%d dimensions: checksum of the signs %#08x, want %#08x", to, got, want)
		}
	}
	f(256, 0x009c6152)
	f(512, 0xdaba9de4)
	f(1024, 0x3fb2e4b1)
	f(1536, 0x2a47126d)
}
