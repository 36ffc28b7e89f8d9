package main

func avx512Quants(u *unit) {
	avx512Act32(u)
	avx512Act256(u)
	for _, nt := range []int{1, 2} {
		fewQ8_0(u, nt)
		fewNibbles(u, "Q4_0", nt, false)
		fewNibbles(u, "Q5_0", nt, true)
		fewKQuant(u, "Q4_K", nt, false)
		fewKQuant(u, "Q5_K", nt, true)
		fewQ6_K(u, nt)
	}
	for _, nt := range []int{4} {
		manyQ8_0(u, nt)
		manyNibbles(u, "Q4_0", nt, false)
		manyNibbles(u, "Q5_0", nt, true)
		manyKQuant(u, "Q4_K", nt, false)
		manyKQuant(u, "Q5_K", nt, true)
		manyQ6_K(u, nt)
	}
}
