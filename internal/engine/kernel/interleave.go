package kernel

import "encoding/binary"

// Packed blocks hold k in runs of 4: byte 4r+i of a run's 32 bytes belongs to row r
// and the run's element i, so that one 32-bit broadcast of activations meets the
// same 4 inputs of all 8 rows.

// packNibbles adds 32 four-bit values of row r to 4×32 bytes: the low nibbles of
// part m are run 2m, the high ones run 2m+1.
func packNibbles(dst []byte, r int, q []byte) {
	q = q[:32]
	const low = 0x0f0f0f0f
	for m := range 4 {
		even, odd := binary.LittleEndian.Uint32(q[8*m:]), binary.LittleEndian.Uint32(q[8*m+4:])
		binary.LittleEndian.PutUint32(dst[32*m+4*r:], even&low|odd&low<<4)
	}
}

// packHighBits adds bit 4 of 32 values of row r to 32 bytes: bit j of byte 4r+i is
// that of element i of run j.
func packHighBits(dst []byte, r int, q []byte) {
	q = q[:32]
	var bits uint32
	for j := range 8 {
		bits |= binary.LittleEndian.Uint32(q[4*j:]) >> 4 & 0x01010101 << j
	}
	binary.LittleEndian.PutUint32(dst[4*r:], bits)
}

// packBytes adds 32 bytes of row r to 8×32 bytes, run by run.
func packBytes(dst []byte, r int, q []byte) {
	for j := range 8 {
		copy(dst[32*j+4*r:][:4], q[4*j:])
	}
}

// copyHalf copies the half of row r.
func copyHalf(dst []byte, r int, src []byte) { copy(dst[2*r:][:2], src[:2]) }
