package main

import "fmt"

// neonCache writes the kernels of cached attention for NEON.
func neonCache() *unit {
	u := &unit{name: "neon_cache_arm64", known: map[string]bool{}}
	for mr := 1; mr <= 6; mr++ {
		neonCachePanel(u, "F16", mr)
		neonCachePanel(u, "Q8", mr)
	}
	return u
}

// neonCachePanel writes the tile kernel for mr rows of floats and panels of halves or
// int8: 4·mr accumulators from V0 on, weights in V24 to V27, activations and what is
// added to in V28 to V31.
func neonCachePanel(u *unit, typ string, mr int) {
	f := u.fn(fmt.Sprintf("neonCache%sx%d", typ, mr), cacheDoc(typ, mr, 16), 0, cacheArgs()...)
	// Rows of c start at R7 …, rows of a at R1 ….
	for i, r := range []string{"R7", "R14", "R1", "R15", "R13", "R0", "R16", "R19", "R17"} {
		f.p("MOVD %s+%d(FP), %s", cacheArgs()[i].name, 8*i, r)
	}
	for r := 1; r < mr; r++ {
		f.p("ADD R14<<2, R%d, R%d", 6+r, 7+r)
		f.p("ADD R15<<2, R%d, R%d", r, r+1)
	}
	for r := range mr {
		if typ == "F16" {
			f.p("VLD1 (R%d), [V%d.S4, V%d.S4, V%d.S4, V%d.S4]", 7+r, 4*r, 4*r+1, 4*r+2, 4*r+3)
			continue
		}
		for i := range 4 {
			f.p("VEOR V%d.B16, V%d.B16, V%d.B16", 4*r+i, 4*r+i, 4*r+i)
		}
	}
	f.label("loop")
	if typ == "F16" {
		f.p("VLD1 (R13), [V30.H8, V31.H8]")
		f.halves()
	} else {
		f.p("VLD1 (R13), [V30.B16]")
		f.word(0x4f08a400|30<<5|31, "SSHLL2 V30.B16, V31.H8")
		f.word(0x0f08a400|30<<5|30, "SSHLL V30.B8, V30.H8")
		for i := range 4 {
			from := 30 + i/2
			f.word(0x0f10a400|i%2<<30|from<<5|(24+i), "SSHLL%d V%d, V%d.S4", 1+i%2, from, 24+i)
		}
		for i := range 4 {
			f.scvtf(24+i, 24+i)
		}
	}
	f.p("PRFM (R19), PLDL1KEEP")
	f.p("ADD R0, R19, R19")
	f.p("ADD R0, R13, R13")
	for r := range mr {
		x := 28 + r%2
		f.p("VLD1R.P 4(R%d), [V%d.S4]", 1+r, x)
		for i := range 4 {
			f.p("VFMLA V%d.S4, V%d.S4, V%d.S4", 24+i, x, 4*r+i)
		}
	}
	f.p("SUBS $1, R17, R17")
	f.p("BNE loop")
	if typ == "Q8" {
		f.p("VLD1 (R16), [V30.H8, V31.H8]")
		f.halves()
	}
	for r := range mr {
		if typ == "F16" {
			f.p("VST1 [V%d.S4, V%d.S4, V%d.S4, V%d.S4], (R%d)", 4*r, 4*r+1, 4*r+2, 4*r+3, 7+r)
			continue
		}
		f.p("VLD1 (R%d), [V28.S4, V29.S4, V30.S4, V31.S4]", 7+r)
		for i := range 4 {
			f.p("VFMLA V%d.S4, V%d.S4, V%d.S4", 24+i, 4*r+i, 28+i)
		}
		f.p("VST1 [V28.S4, V29.S4, V30.S4, V31.S4], (R%d)", 7+r)
	}
	f.p("RET")
}

// halves turns the 16 halves in V30 and V31 into floats in V24 to V27.
func (f *fn) halves() {
	for i := range 4 {
		f.fcvtl(30+i/2, 24+i, i%2)
	}
}
