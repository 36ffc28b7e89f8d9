package main

// avx512Quants writes what quantised matrices need.
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
	const most = 4
	manyQ8_0(u, most)
	manyNibbles(u, "Q4_0", most, false)
	manyNibbles(u, "Q5_0", most, true)
	manyKQuant(u, "Q4_K", most, false)
	manyKQuant(u, "Q5_K", most, true)
	manyQ6_K(u, most)
}
