package kernel

import "golang.org/x/sys/cpu"

// pause tells the core that it is in a polling loop.
//
//go:noescape
func pause()

// available returns the micro kernels that this machine can run, fastest first. The
// flags of package cpu also say that the operating system saves the registers.
func available() []*routines {
	x := &cpu.X86
	if !x.HasAVX2 || !x.HasFMA || !x.HasF16C {
		return []*routines{plain()}
	}
	if !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512DQ || !x.HasAVX512VL || !x.HasAVX512VNNI {
		return []*routines{avx2(), plain()}
	}
	return []*routines{avx512(), avx2(), plain()}
}

// avx512 returns the micro kernels for AVX-512. What isn't in assembly for it is
// AVX2's.
func avx512() *routines {
	r := avx2()
	r.isa = ISAAVX512
	r.panel, r.panelF16, r.panelBF16 = panelAVX512, panelF16AVX512, panelBF16AVX512
	r.panels, r.abreast, r.depth = panelsAVX512, 4, 128
	r.wide = nil
	r.transpose = transposeAVX512
	r.act32, r.act256 = act32AVX512, act256AVX512
	r.group, r.groups = groupAVX512, vnniAbreast
	r.read, r.peak = readAVX512, peakAVX512
	r.dot, r.sum, r.spread, r.largest = dotAVX512, sumAVX512, spreadAVX512, largestAVX512
	r.add, r.mul, r.scale, r.axpy, r.affine = addAVX512, mulAVX512, scaleAVX512, axpyAVX512, affineAVX512
	r.expSum, r.gelu, r.geluTanh, r.silu = expSumAVX512, geluAVX512, geluTanhAVX512, siluAVX512
	r.cache = cacheAVX512(r.cache)
	return r
}

// avx2 returns the micro kernels for AVX2, FMA and F16C.
func avx2() *routines {
	r := &routines{
		isa:       ISAAVX2,
		panel:     panelAVX2,
		panelF16:  panelF16AVX2,
		panelBF16: panelBF16AVX2,
		transpose: plainTranspose,
		act32:     act32AVX2,
		act256:    act256AVX2,
		group:     groupAVX2,
		groups:    1,
		abreast:   1,
		depth:     256,
		wide:      wideAVX2,
		read:      readAVX2,
		peak:      peakAVX2,
		dot:       dotAVX2,
		sum:       sumAVX2,
		spread:    spreadAVX2,
		largest:   largestAVX2,
		add:       addAVX2,
		mul:       mulAVX2,
		scale:     scaleAVX2,
		axpy:      axpyAVX2,
		affine:    affineAVX2,
		expSum:    expSumAVX2,
		gelu:      geluAVX2,
		geluTanh:  geluTanhAVX2,
		silu:      siluAVX2,
		cache:     cacheAVX2(),
	}
	r.panels = onePanel(r)
	return r
}
