package main

// avx512 writes the kernels for amd64 with AVX-512 F, BW, DQ, VL and VNNI.
func avx512() *unit {
	u := &unit{name: "avx512_amd64", known: map[string]bool{}}
	for _, t := range []string{"F32", "F16", "BF16"} {
		for _, np := range []int{4, 2, 1} {
			avx512Panels(u, t, np)
		}
	}
	avx512Transpose(u)
	avx512Vectors(u)
	avx512Quants(u)
	return u
}
