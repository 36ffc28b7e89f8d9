package kernel

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestPacker packs in pieces of any size and wants what Pack makes of the whole.
func TestPacker(t *testing.T) {
	t.Parallel()
	c, err := New(Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := rand.New(rand.NewPCG(1, 2))
	for _, typ := range []Type{F32, F16, BF16, Q8_0, Q4_0, Q5_0, Q4_K, Q5_K, Q6_K} {
		for _, rows := range []int{1, 8, 16, 17, 61} {
			const cols = 512
			stride, _ := typ.RowSize(cols)
			raw := make([]byte, rows*stride)
			for i := range raw {
				raw[i] = byte(r.Uint32())
			}
			want, err := c.Pack(typ, rows, cols, raw)
			if err != nil {
				t.Fatal(err)
			}
			size, err := PackedSize(typ, rows, cols)
			if err != nil || size != len(want.Packed()) {
				t.Fatalf("%s: %d packed bytes, %v, want %d", typ, size, err, len(want.Packed()))
			}
			p, err := NewPacker(typ, rows, cols, make([]byte, size))
			if err != nil {
				t.Fatal(err)
			}
			for _, start := range r.Perm((rows + p.Step() - 1) / p.Step()) { // in any order
				first := start * p.Step()
				last := min(first+p.Step(), rows)
				if err := p.Pack(first, raw[first*p.RowSize():last*p.RowSize()]); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(p.Matrix().Packed(), want.Packed()) {
				t.Errorf("%s, %d rows: pieces make another matrix than the whole", typ, rows)
			}
		}
	}
}

func TestPackerRefuses(t *testing.T) {
	t.Parallel()
	size, err := PackedSize(Q8_0, 20, 32)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewPacker(Q8_0, 20, 32, make([]byte, size-1)); err == nil {
		t.Error("too little memory is accepted")
	}
	if _, err := NewPacker(Q8_0, 20, 33, make([]byte, size)); err == nil {
		t.Error("half a block is accepted")
	}
	p, err := NewPacker(Q8_0, 20, 32, make([]byte, size))
	if err != nil {
		t.Fatal(err)
	}
	f := func(first, n int, want bool) {
		t.Helper()
		if err := p.Pack(first, make([]byte, n)); (err == nil) != want {
			t.Errorf("%d bytes from row %d on: %v", n, first, err)
		}
	}
	f(0, 20*34, true)
	f(16, 4*34, true)
	f(8, 0, true)
	f(0, 21*34, false)
	f(16, 8*34, false)
	f(0, 33, false)
	f(4, 8*34, false)
	f(0, 4*34, false)
	f(-8, 8*34, false)
	f(24, 8*34, false)
}
