package kernel

import "golang.org/x/sys/cpu"

// pause tells the core that it is in a polling loop.
//
//go:noescape
func pause()

// best returns the fastest micro kernels that this machine can run.
func best() *routines {
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA && cpu.X86.HasF16C {
		return avx2()
	}
	return plain()
}

// avx2 returns the micro kernels for AVX2, FMA and F16C.
func avx2() *routines {
	return &routines{
		isa:       ISAAVX2,
		panel:     panelAVX2,
		panelF16:  panelF16AVX2,
		panelBF16: panelBF16AVX2,
		act32:     act32AVX2,
		act256:    act256AVX2,
		group:     groupAVX2,
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
	}
}
