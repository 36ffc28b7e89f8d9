package kernel

import "strconv"

// Type is the element type of a tensor, numbered as in GGUF files.
type Type uint32

// The types that this package computes with. The values of the others, which
// appear in files, are named by String so that errors can name them.
const (
	F32  Type = 0
	F16  Type = 1
	Q4_0 Type = 2
	Q5_0 Type = 6
	Q8_0 Type = 8
	Q4_K Type = 12
	Q5_K Type = 13
	Q6_K Type = 14
	BF16 Type = 30
)

// String returns the type's name in GGUF's spelling, also of types that this
// package can't compute with.
func (t Type) String() string {
	names := [...]string{
		"F32", "F16", "Q4_0", "Q4_1", "Q4_2", "Q4_3", "Q5_0", "Q5_1", "Q8_0", "Q8_1",
		"Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S",
		"IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS", "I8", "I16", "I32", "I64", "F64", "IQ1_M",
		"BF16", "Q4_0_4_4", "Q4_0_4_8", "Q4_0_8_8", "TQ1_0", "TQ2_0", "IQ4_NL_4_4", "IQ4_NL_4_8", "IQ4_NL_8_8", "MXFP4",
	}
	if int64(t) < int64(len(names)) {
		return names[t]
	}
	return "type " + strconv.FormatUint(uint64(t), 10)
}

// Supported reports whether matrices of this type can be packed and multiplied.
func (t Type) Supported() bool { return t.BlockLen() > 0 }

// BlockLen returns how many elements one block holds: 1 for floats, 0 for a type
// that isn't supported.
func (t Type) BlockLen() int { return t.format().length }

// BlockSize returns how many bytes one block takes in a file, 0 for a type that
// isn't supported.
func (t Type) BlockSize() int { return t.format().size }

// RowSize returns how many bytes a row of cols elements takes in a file, and false
// if the type isn't supported or cols is no multiple of its block.
func (t Type) RowSize(cols int) (int, bool) {
	f := t.format()
	if f.length == 0 || cols < 0 || cols%f.length != 0 {
		return 0, false
	}
	return cols / f.length * f.size, true
}

// activation is the form in which a kernel wants the other operand.
type activation uint8

const (
	actFloat activation = iota // float32, as it is
	actQ32                     // blocks of 32: see act32
	actQ256                    // blocks of 256: see act256
)

// format describes a type: its blocks in a file, and how a block of 8 rows is packed.
type format struct {
	length, size int // of a block in a file: elements and bytes
	act          activation
	group        int // bytes of a packed block of groupRows rows; 0 for floats

	// dequantize reads len(dst) elements; the lengths fit.
	dequantize func(dst []float32, src []byte)
	// pack interleaves one block of each of groupRows rows.
	pack func(dst []byte, rows *[groupRows][]byte)
}

// format returns the zero format for a type that isn't supported.
func (t Type) format() format {
	switch t {
	case F32:
		return format{length: 1, size: 4, dequantize: dequantizeF32}
	case F16:
		return format{length: 1, size: 2, dequantize: dequantizeF16}
	case BF16:
		return format{length: 1, size: 2, dequantize: dequantizeBF16}
	case Q4_0:
		return format{32, 18, actQ32, 144, dequantizeQ4_0, packQ4_0}
	case Q5_0:
		return format{32, 22, actQ32, 176, dequantizeQ5_0, packQ5_0}
	case Q8_0:
		return format{32, 34, actQ32, 272, dequantizeQ8_0, packQ8_0}
	case Q4_K:
		return format{256, 144, actQ256, 1184, dequantizeQ4_K, packQ4_K}
	case Q5_K:
		return format{256, 176, actQ256, 1440, dequantizeQ5_K, packQ5_K}
	case Q6_K:
		return format{256, 210, actQ256, 1680, dequantizeQ6_K, packQ6_K}
	default:
		return format{}
	}
}
