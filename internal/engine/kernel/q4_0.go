package kernel

// Q4_0: a half scale d, then 16 bytes whose low nibbles are q0…q15 and whose high
// ones q16…q31; the value is d·(q-8).
//
// Packed, 144 bytes: d [8 rows], nibbles [4][8 rows][4].

func unpackQ4_0(q *[32]byte, src []byte) {
	for i, b := range src[2:18] {
		q[i], q[i+16] = b&15, b>>4
	}
}

func dequantizeQ4_0(dst []float32, src []byte) {
	var q [32]byte
	for ; len(dst) > 0; dst, src = dst[32:], src[18:] {
		d := half(src)
		unpackQ4_0(&q, src)
		for i, v := range q {
			dst[i] = d * float32(int(v)-8)
		}
	}
}

func packQ4_0(dst []byte, rows *[groupRows][]byte) {
	var q [32]byte
	for r, row := range rows {
		copyHalf(dst, r, row)
		unpackQ4_0(&q, row)
		packNibbles(dst[16:], r, q[:])
	}
}
