package main

// avx2 writes the kernels for amd64 with AVX2, FMA and F16C.
func avx2() *unit {
	u := &unit{name: "avx2_amd64", known: map[string]bool{}}
	for _, t := range []string{"F32", "F16", "BF16"} {
		for mr := 1; mr <= 6; mr++ {
			avx2Panel(u, t, mr)
		}
		avx2Wide(u, t)
	}
	avx2Vectors(u)
	avx2Quants(u)
	return u
}
