package kernel

import (
	"encoding/binary"
	"math"
)

// Quantised activations come in tiles of 4, 2 or 1 rows. A tile is a sequence of
// blocks; a block holds, for nt rows side by side:
//
//	32 elements, 40·nt bytes       256 elements, 308·nt bytes
//	scales    [nt]     float32     scales     [nt]      float32
//	8·Σq      [nt]     int32       Σq of 32   [nt][8]   int16
//	q         [nt][32] int8        -16·Σq of 16 [nt][16] int16
//	                               q          [nt][256] int8
//
// The sums let offsets of weights be taken off once per block. Quants lie in ±127,
// never -128: the kernels' int16 arithmetic counts on it. A block with a NaN or an
// infinity has such a scale, and so does what is computed from it.
const (
	act32Size  = 40
	act256Size = 308
	// actTile is the most rows in a tile.
	actTile = 4
)

// tileRows returns how many of n remaining rows the next tile has.
func tileRows(n int) int {
	switch {
	case n >= 4:
		return 4
	case n >= 2:
		return 2
	default:
		return 1
	}
}

// size returns the bytes of one row's block.
func (a activation) size() int {
	if a == actQ256 {
		return act256Size
	}
	return act32Size
}

// length returns the elements of a block.
func (a activation) length() int {
	if a == actQ256 {
		return 256
	}
	return 32
}

// plainAct32 quantises x, a multiple of 32 elements, as row t of a tile of nt.
func plainAct32(tile []byte, nt, t int, x []float32) {
	for ; len(x) > 0; x, tile = x[32:], tile[nt*act32Size:] {
		q := tile[8*nt+32*t:][:32]
		d := quantize(q, x)
		sum := int32(0)
		for _, v := range q {
			sum += int32(int8(v)) //nolint:gosec // a byte that holds an int8
		}
		binary.LittleEndian.PutUint32(tile[4*t:], math.Float32bits(d))
		binary.LittleEndian.PutUint32(tile[4*nt+4*t:], uint32(8*sum))
	}
}

// plainAct256 quantises x, a multiple of 256 elements, as row t of a tile of nt.
func plainAct256(tile []byte, nt, t int, x []float32) {
	for ; len(x) > 0; x, tile = x[256:], tile[nt*act256Size:] {
		q := tile[52*nt+256*t:][:256]
		d := quantize(q, x)
		binary.LittleEndian.PutUint32(tile[4*t:], math.Float32bits(d))
		for s := range 8 {
			var sum [2]int16
			for i, v := range q[32*s:][:32] {
				sum[i/16] += int16(int8(v)) //nolint:gosec // a byte that holds an int8
			}
			binary.LittleEndian.PutUint16(tile[4*nt+16*t+2*s:], uint16(sum[0]+sum[1])) //nolint:gosec // kept as bits
			for h, v := range sum {
				binary.LittleEndian.PutUint16(tile[20*nt+32*t+4*s+2*h:], uint16(-16*v)) //nolint:gosec // kept as bits
			}
		}
	}
}

// quantize fills q from len(q) elements of x and returns their scale.
func quantize(q []byte, x []float32) float32 {
	var largest uint32 // magnitudes as integers: a NaN is the largest
	for _, v := range x[:len(q)] {
		largest = max(largest, math.Float32bits(v)&(1<<31-1))
	}
	m := math.Float32frombits(largest)
	inverse := 127 / max(m, 1e-30)
	if largest >= 0x7f800000 { // NaN or infinite, and so will all products be
		clear(q)
		return m * (1 / 127.)
	}
	for i := range q {
		q[i] = byte(int8(math.RoundToEven(float64(x[i] * inverse)))) //nolint:gosec // an int8 kept as a byte
	}
	return m * (1 / 127.)
}
