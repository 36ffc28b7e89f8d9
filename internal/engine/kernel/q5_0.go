package kernel

import "encoding/binary"

// Q5_0: a half scale d, 32 high bits, then nibbles as in Q4_0; the value is d·(q-16).
//
// Packed, 176 bytes: d [8 rows], high bits [8 rows][4], nibbles [4][8 rows][4].

func unpackQ5_0(q *[32]byte, src []byte) {
	high := binary.LittleEndian.Uint32(src[2:])
	for i, b := range src[6:22] {
		q[i] = b&15 | byte(high>>i&1)<<4
		q[i+16] = b>>4 | byte(high>>(i+16)&1)<<4
	}
}

func dequantizeQ5_0(dst []float32, src []byte) {
	var q [32]byte
	for ; len(dst) > 0; dst, src = dst[32:], src[22:] {
		d := half(src)
		unpackQ5_0(&q, src)
		for i, v := range q {
			dst[i] = d * float32(int(v)-16)
		}
	}
}

func packQ5_0(dst []byte, rows *[groupRows][]byte) {
	var q [32]byte
	for r, row := range rows {
		copyHalf(dst, r, row)
		unpackQ5_0(&q, row)
		packHighBits(dst[16:], r, q[:])
		packNibbles(dst[48:], r, q[:])
	}
}
