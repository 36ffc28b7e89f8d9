package kernel

// Q8_0: a half scale d, then 32 int8 q; the value is d·q.
//
// Packed, 272 bytes: d [8 rows], q [8 runs][8 rows][4].

func dequantizeQ8_0(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[32:], src[34:] {
		d := half(src)
		for i, q := range src[2:34] {
			dst[i] = d * float32(int8(q)) //nolint:gosec // a byte that holds an int8
		}
	}
}

func packQ8_0(dst []byte, rows *[groupRows][]byte) {
	for r, row := range rows {
		copyHalf(dst, r, row)
		packBytes(dst[16:], r, row[2:34])
	}
}
