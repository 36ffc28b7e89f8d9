package main

import "fmt"

// avx512Transpose writes the kernel that turns 16 rows into a panel. Four registers get
// 4 elements each of rows r, r+4, r+8 and r+12; transposing their quarters, 4 by 4,
// leaves the columns.
func avx512Transpose(u *unit) {
	f := u.fn("avx512Transpose", "writes 4·n elements of 16 rows column by column; n > 0.", 0,
		arg{"dst", "*float32"}, arg{"src", "*float32"}, arg{"ld", "int"}, arg{"n", "int"})
	f.p("MOVQ dst+0(FP), DI")
	f.p("MOVQ src+8(FP), SI")
	f.p("MOVQ ld+16(FP), DX")
	f.p("MOVQ n+24(FP), CX")
	f.p("SHLQ $2, DX")
	f.p("LEAQ (DX)(DX*2), R11")
	bases := []string{"SI", "R8", "R9", "R10"}
	for i := 1; i < 4; i++ {
		f.p("LEAQ (%s)(DX*4), %s", bases[i-1], bases[i])
	}
	f.label("loop")
	for r, index := range []string{"", "(DX*1)", "(DX*2)", "(R11*1)"} {
		f.p("VMOVUPS (SI)%s, X%d", index, r)
		for i := 1; i < 4; i++ {
			f.p("VINSERTF32X4 $%d, (%s)%s, Z%d, Z%d", i, bases[i], index, r, r)
		}
	}
	for half, op := range []string{"VUNPCKLPS", "VUNPCKHPS"} {
		f.p("%s Z1, Z0, Z%d", op, 4+half)
		f.p("%s Z3, Z2, Z%d", op, 6+half)
	}
	for column := range 4 {
		op := []string{"VUNPCKLPD", "VUNPCKHPD"}[column%2]
		f.p("%s Z%d, Z%d, Z8", op, 6+column/2, 4+column/2)
		f.p("VMOVUPS Z8, %s", fmt.Sprintf("%d(DI)", 64*column))
	}
	for _, b := range bases {
		f.p("ADDQ $16, %s", b)
	}
	f.p("ADDQ $256, DI")
	f.p("DECQ CX")
	f.p("JNZ loop")
	f.p("VZEROUPPER")
	f.p("RET")
}
