package kernel

import (
	"encoding/binary"
	"math"
)

// plainGroup returns the micro kernel for a quantised type, nil for floats.
func plainGroup(t Type) groupKernel { return plainOneGroup(t).each(t.format().group) }

func plainOneGroup(t Type) oneGroup {
	f := t.format()
	switch t {
	case Q8_0:
		return plainGroup32(f, func(k int, w []byte, r int) int32 {
			return int32(int8(w[16+k/4*32+4*r+k%4])) //nolint:gosec // a byte that holds an int8
		})
	case Q4_0:
		return plainGroup32(f, func(k int, w []byte, r int) int32 { return nibble(w[16:], r, k) - 8 })
	case Q5_0:
		return plainGroup32(f, func(k int, w []byte, r int) int32 {
			return nibble(w[48:], r, k) + highBit(w[16:], r, k) - 16
		})
	case Q4_K:
		return plainGroupMins(f, func(k int, w []byte, r int) int32 { return nibble(w[160+k/32*128:], r, k%32) })
	case Q5_K:
		return plainGroupMins(f, func(k int, w []byte, r int) int32 {
			sub := w[160+k/32*160:]
			return nibble(sub[32:], r, k%32) + highBit(sub, r, k%32)
		})
	case Q6_K:
		return plainGroupQ6_K
	default:
		return nil
	}
}

// nibble returns element k of row r from what packNibbles wrote.
func nibble(w []byte, r, k int) int32 {
	return int32(w[k/8*32+4*r+k%4] >> (k / 4 % 2 * 4) & 15)
}

// highBit returns element k of row r from what packHighBits wrote, as 0 or 16.
func highBit(w []byte, r, k int) int32 { return int32(w[4*r+k%4]>>(k/4)&1) << 4 }

// plainGroup32 returns the kernel for blocks of 32 elements of the given value.
func plainGroup32(f format, value func(k int, w []byte, r int) int32) oneGroup {
	return func(out view, w, acts []byte, blocks, nt int) {
		var acc [actTile][groupRows]float32
		for b := range blocks {
			w, tile := w[b*f.group:][:f.group], acts[b*nt*act32Size:][:nt*act32Size]
			for r := range groupRows {
				var sums [actTile]int32
				for k := range 32 {
					v := value(k, w, r)
					for t := range nt {
						sums[t] += v * int32(int8(tile[8*nt+32*t+k])) //nolint:gosec // a byte that holds an int8
					}
				}
				for t := range nt {
					acc[t][r] += half(w[2*r:]) * actScale(tile, t) * float32(sums[t])
				}
			}
		}
		storeGroup(out, &acc, nt)
	}
}

// plainGroupMins returns the kernel for blocks of 256 elements with scales and mins.
func plainGroupMins(f format, value func(k int, w []byte, r int) int32) oneGroup {
	return func(out view, w, acts []byte, blocks, nt int) {
		var acc [actTile][groupRows]float32
		for b := range blocks {
			w, tile := w[b*f.group:][:f.group], acts[b*nt*act256Size:][:nt*act256Size]
			for r := range groupRows {
				var sums, mins [actTile]int32
				for k := range 256 {
					v := value(k, w, r) * int32(w[32+k/32*8+r])
					for t := range nt {
						sums[t] += v * int32(int8(tile[52*nt+256*t+k])) //nolint:gosec // a byte that holds an int8
					}
				}
				for t := range nt {
					for j := range 8 {
						mins[t] += int32(w[96+j/2*16+2*r+j%2]) * actSum(tile[4*nt+16*t:], j)
					}
					acc[t][r] += actScale(tile, t) * (half(w[2*r:])*float32(sums[t]) - half(w[16+2*r:])*float32(mins[t]))
				}
			}
		}
		storeGroup(out, &acc, nt)
	}
}

func plainGroupQ6_K(out view, w, acts []byte, blocks, nt int) {
	size := Q6_K.format().group
	var acc [actTile][groupRows]float32
	for b := range blocks {
		w, tile := w[b*size:][:size], acts[b*nt*act256Size:][:nt*act256Size]
		for r := range groupRows {
			var sums [actTile]int32
			for k := range 256 {
				j, run, i := k/16, k/4%4, k%4
				part := w[144+96*j+4*r+i:]
				v := int32(part[0]>>6 | part[32]>>6<<2 | part[64]>>6<<4)
				if run < 3 {
					v = int32(part[32*run] & 63)
				}
				v = (v - 32) * int32(int8(w[16+j/2*16+2*r+j%2])) //nolint:gosec // a byte that holds an int8
				for t := range nt {
					sums[t] += v * int32(int8(tile[52*nt+256*t+k])) //nolint:gosec // a byte that holds an int8
				}
			}
			for t := range nt {
				acc[t][r] += half(w[2*r:]) * actScale(tile, t) * float32(sums[t])
			}
		}
	}
	storeGroup(out, &acc, nt)
}

func actScale(tile []byte, t int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(tile[4*t:]))
}

func actSum(sums []byte, i int) int32 {
	return int32(int16(binary.LittleEndian.Uint16(sums[2*i:]))) //nolint:gosec // kept as bits
}

func storeGroup(out view, acc *[actTile][groupRows]float32, nt int) {
	for t := range nt {
		copy(out.data[t*out.ld:][:groupRows], acc[t][:])
	}
}
