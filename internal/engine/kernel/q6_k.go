package kernel

import "encoding/binary"

// Q6_K: 256 elements in 16 sub-blocks of 16: 128 bytes of low nibbles, 64 of pairs
// of high bits, 16 int8 scales, a half d. The value is d·scale·(q-32).
//
// Packed, 1680 bytes: d [8 rows], scales [8 pairs of sub-blocks][8 rows][2], then
// for each sub-block three times [8 rows][4]: the six bits of runs 0, 1 and 2, whose
// top two bits together make run 3, its lowest pair of bits first.

func unpackQ6_K(q *[256]byte, src []byte) {
	for h := range 2 {
		low, high, to := src[64*h:][:64], src[128+32*h:][:32], q[128*h:][:128]
		for l, b := range high {
			to[l] = low[l]&15 | b&3<<4
			to[l+32] = low[l+32]&15 | b>>2&3<<4
			to[l+64] = low[l]>>4 | b>>4&3<<4
			to[l+96] = low[l+32]>>4 | b>>6<<4
		}
	}
}

func dequantizeQ6_K(dst []float32, src []byte) {
	var q [256]byte
	for ; len(dst) > 0; dst, src = dst[256:], src[210:] {
		unpackQ6_K(&q, src)
		d := half(src[208:])
		for i, v := range q {
			scale := int8(src[192+i/16]) //nolint:gosec // a byte that holds an int8
			dst[i] = d * float32(scale) * float32(int(v)-32)
		}
	}
}

func packQ6_K(dst []byte, rows *[groupRows][]byte) {
	var q [256]byte
	for r, row := range rows {
		unpackQ6_K(&q, row)
		copyHalf(dst, r, row[208:])
		for j := range 16 {
			dst[16+j/2*16+2*r+j%2] = row[192+j]
			last := binary.LittleEndian.Uint32(q[16*j+12:])
			for run := range 3 {
				six := binary.LittleEndian.Uint32(q[16*j+4*run:])
				binary.LittleEndian.PutUint32(dst[144+96*j+32*run+4*r:], six|last>>(2*run)&0x03030303<<6)
			}
		}
	}
}
