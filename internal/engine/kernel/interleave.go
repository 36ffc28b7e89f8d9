package kernel

// Packed blocks hold k in runs of 4: byte 4r+i of a run's 32 bytes belongs to row r
// and the run's element i, so that one 32-bit broadcast of activations meets the
// same 4 inputs of all 8 rows.

// packNibbles adds 32 four-bit values of row r to 4×32 bytes: the low nibbles of
// part m are run 2m, the high ones run 2m+1.
func packNibbles(dst []byte, r int, q []byte) {
	q = q[:32]
	for m := range 4 {
		part := dst[32*m+4*r:][:4]
		for i := range part {
			part[i] = q[8*m+i]&15 | q[8*m+4+i]<<4
		}
	}
}

// packHighBits adds bit 4 of 32 values of row r to 32 bytes: bit j of byte 4r+i is
// that of element i of run j.
func packHighBits(dst []byte, r int, q []byte) {
	q = q[:32]
	for i := range 4 {
		var b byte
		for j := range 8 {
			b |= q[4*j+i] >> 4 & 1 << j
		}
		dst[4*r+i] = b
	}
}

// packBytes adds 32 bytes of row r to 8×32 bytes, run by run.
func packBytes(dst []byte, r int, q []byte) {
	for j := range 8 {
		copy(dst[32*j+4*r:][:4], q[4*j:])
	}
}

// copyHalf copies the half of row r.
func copyHalf(dst []byte, r int, src []byte) { copy(dst[2*r:][:2], src[:2]) }
