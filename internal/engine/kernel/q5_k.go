package kernel

// Q5_K: Q4_K with a fifth bit: after the scales come 32 bytes, bit j of byte l being
// the high bit of element 32j+l.
//
// Packed, 1440 bytes: the first 160 as in Q4_K, then for each of the 8 sub-blocks
// high bits [8 rows][4] and nibbles [4][8 rows][4].

func unpackQ5_K(q *[256]byte, src []byte) {
	high := src[16:48]
	for i, b := range src[48:176] {
		j, l := i/32*2, i%32
		q[32*j+l] = b&15 | high[l]>>j&1<<4
		q[32*j+32+l] = b>>4 | high[l]>>(j+1)&1<<4
	}
}

func dequantizeQ5_K(dst []float32, src []byte) {
	var q [256]byte
	for ; len(dst) > 0; dst, src = dst[256:], src[176:] {
		unpackQ5_K(&q, src)
		dequantizeWithMins(dst, &q, src)
	}
}

func packQ5_K(dst []byte, rows *[groupRows][]byte) {
	var q [256]byte
	for r, row := range rows {
		packScales(dst, r, row)
		unpackQ5_K(&q, row)
		for j := range 8 {
			part := dst[160+160*j:]
			packHighBits(part, r, q[32*j:])
			packNibbles(part[32:], r, q[32*j:])
		}
	}
}
