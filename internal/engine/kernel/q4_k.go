package kernel

// Q4_K: 256 elements in 8 sub-blocks of 32: half scales d and dmin, 12 bytes with 8
// six-bit scales and mins, 128 bytes of nibbles; byte 32j+l holds element 64j+l in
// its low half and 64j+32+l in its high one. The value is d·scale·q - dmin·min.
//
// Packed, 1184 bytes: d [8 rows], dmin [8 rows], scales [8 sub-blocks][8 rows],
// mins [4 pairs of sub-blocks][8 rows][2], nibbles [8 sub-blocks][4][8 rows][4].

// unpackScales reads the 12 bytes of scales and mins that Q4_K and Q5_K share.
func unpackScales(scale, low *[8]byte, src []byte) {
	src = src[:12]
	for j := range 4 {
		scale[j], low[j] = src[j]&63, src[j+4]&63
		scale[j+4] = src[j+8]&15 | src[j]>>6<<4
		low[j+4] = src[j+8]>>4 | src[j+4]>>6<<4
	}
}

func unpackQ4_K(q *[256]byte, src []byte) {
	for i, b := range src[16:144] {
		at := i/32*64 + i%32
		q[at], q[at+32] = b&15, b>>4
	}
}

func dequantizeQ4_K(dst []float32, src []byte) {
	var q [256]byte
	for ; len(dst) > 0; dst, src = dst[256:], src[144:] {
		unpackQ4_K(&q, src)
		dequantizeWithMins(dst, &q, src)
	}
}

// dequantizeWithMins fills 256 elements from a block that begins as Q4_K's does.
func dequantizeWithMins(dst []float32, q *[256]byte, src []byte) {
	var scale, low [8]byte
	unpackScales(&scale, &low, src[4:])
	d, dmin := half(src), half(src[2:])
	for i, v := range q {
		dst[i] = d*float32(scale[i/32])*float32(v) - dmin*float32(low[i/32])
	}
}

func packQ4_K(dst []byte, rows *[groupRows][]byte) {
	var q [256]byte
	for r, row := range rows {
		packScales(dst, r, row)
		unpackQ4_K(&q, row)
		for j := range 8 {
			packNibbles(dst[160+128*j:], r, q[32*j:])
		}
	}
}

// packScales adds the first 16 bytes of row r to the first 160 of a packed block.
func packScales(dst []byte, r int, row []byte) {
	var scale, low [8]byte
	unpackScales(&scale, &low, row[4:])
	copyHalf(dst, r, row)
	copyHalf(dst[16:], r, row[2:])
	for j := range 8 {
		dst[32+8*j+r] = scale[j]
		dst[96+j/2*16+2*r+j%2] = low[j]
	}
}
