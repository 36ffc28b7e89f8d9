package kernel

import (
	"encoding/binary"
	"math"
)

// plain returns the micro kernels in Go.
func plain() *routines {
	r := &routines{
		isa:   ISAGo,
		panel: plainPanel,
		panelF16: func(c, a view, b []byte, mr, k int) {
			plainPanel16(c, a, b, mr, k, F16ToF32)
		},
		panelBF16: func(c, a view, b []byte, mr, k int) {
			plainPanel16(c, a, b, mr, k, BF16ToF32)
		},
		transpose: plainTranspose,
		act32:     plainAct32,
		act256:    plainAct256,
		group:     plainGroup,
		groups:    1,
		abreast:   1,
		depth:     256,
		read:      func(x []float32) { plainSum(x) },
		dot:       plainDot,
		sum:       plainSum,
		spread:    plainSpread,
		largest:   plainLargest,
		add:       plainAdd,
		mul:       plainMul,
		scale:     plainScale,
		axpy:      plainAxpy,
		affine:    plainAffine,
		expSum:    plainExpSum,
		gelu:      plainGELU,
		geluTanh:  plainGELUTanh,
		silu:      plainSiLU,
		cache:     plainCache(),
	}
	r.panels = onePanel(r)
	return r
}

func plainPanel(c, a, b view, mr, k int) {
	for r := range mr {
		row := (*[panelRows]float32)(c.data[r*c.ld:])
		acc := *row
		for i, v := range a.data[r*a.ld:][:k] {
			w := (*[panelRows]float32)(b.data[i*b.ld:])
			for n := range acc {
				acc[n] += v * w[n]
			}
		}
		*row = acc
	}
}

func plainPanel16(c, a view, b []byte, mr, k int, value func(uint16) float32) {
	var w [panelRows]float32
	for i := range k {
		for n := range w {
			w[n] = value(binary.LittleEndian.Uint16(b[2*(i*panelRows+n):]))
		}
		for r := range mr {
			v, row := a.data[r*a.ld+i], (*[panelRows]float32)(c.data[r*c.ld:])
			for n := range row {
				row[n] += v * w[n]
			}
		}
	}
}

func plainTranspose(panel []float32, rows view, d int) {
	panel = panel[:panelRows*d]
	for r := range panelRows {
		for k, x := range rows.data[r*rows.ld:][:d] {
			panel[k*panelRows+r] = x
		}
	}
}

func plainDot(a, b []float32) float32 {
	b = b[:len(a)]
	var s [4]float32
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s[0] += a[i] * b[i]
		s[1] += a[i+1] * b[i+1]
		s[2] += a[i+2] * b[i+2]
		s[3] += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s[0] += a[i] * b[i]
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

func plainSum(x []float32) float32 {
	var s float64
	for _, v := range x {
		s += float64(v)
	}
	return float32(s)
}

func plainSpread(x []float32, mean float32) float32 {
	var s float64
	for _, v := range x {
		d := float64(v - mean)
		s += d * d
	}
	return float32(s)
}

func plainLargest(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		if v > m {
			m = v
		}
	}
	return m
}

func plainAdd(dst, x []float32) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] += v
	}
}

func plainMul(dst, x []float32) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] *= v
	}
}

func plainScale(x []float32, s float32) {
	for i := range x {
		x[i] *= s
	}
}

func plainAxpy(dst, x []float32, s float32) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] += s * v
	}
}

func plainAffine(dst, x, weight, bias []float32, shift, s float32) {
	x, weight = x[:len(dst)], weight[:len(dst)]
	if bias == nil {
		for i, v := range x {
			dst[i] = (v - shift) * s * weight[i]
		}
		return
	}
	bias = bias[:len(dst)]
	for i, v := range x {
		dst[i] = (v-shift)*s*weight[i] + bias[i]
	}
}

func plainExpSum(x []float32, shift, s float32) float32 {
	var sum float64
	for i, v := range x {
		e := math.Exp(float64(s * (v - shift)))
		x[i] = float32(e)
		sum += e
	}
	return float32(sum)
}

func plainGELU(x []float32) {
	for i, v := range x {
		f := float64(v)
		x[i] = float32(0.5 * f * (1 + math.Erf(f/math.Sqrt2)))
	}
}

func plainGELUTanh(x []float32) {
	c := math.Sqrt(2 / math.Pi)
	for i, v := range x {
		f := float64(v)
		x[i] = float32(0.5 * f * (1 + math.Tanh(c*(f+0.044715*f*f*f))))
	}
}

func plainSiLU(x []float32) {
	for i, v := range x {
		x[i] = float32(float64(v) / (1 + math.Exp(-float64(v))))
	}
}
