package token

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// charsmap is SentencePiece's precompiled normalizer: a double-array trie of character
// sequences, and what to put in their place.
type charsmap struct {
	units  []uint32
	values []byte // strings that end with a zero byte
}

// maxExpansion bounds what a key may become, in bytes, and so how much a text grows.
// The longest one of Unicode has 33.
const maxExpansion = 128

func newCharsmap(data []byte) (*charsmap, error) {
	if len(data) < 4 {
		return nil, errors.New("it has no size")
	}
	size := binary.LittleEndian.Uint32(data)
	data = data[4:]
	if size%4 != 0 || size == 0 || uint64(size) > uint64(len(data)) {
		return nil, errors.New("its size is wrong")
	}
	m := &charsmap{units: make([]uint32, size/4), values: data[size:]}
	for v := range bytes.SplitSeq(m.values, []byte{0}) {
		if len(v) > maxExpansion {
			return nil, fmt.Errorf("it puts %d bytes in the place of a character", len(v))
		}
	}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return m, nil
}

// search returns the value of the longest key that s begins with, or of the shortest,
// and the length of that key; 0 when there is none.
func (m *charsmap) search(s string, longest bool) (value uint32, length int) {
	at := unitOffset(m.units[0])
	for i := range len(s) {
		c := s[i]
		at ^= uint32(c)
		if c == 0 || uint64(at) >= uint64(len(m.units)) {
			break
		}
		unit := m.units[at]
		if unit&(1<<31|0xff) != uint32(c) {
			break
		}
		at ^= unitOffset(unit)
		if unit>>8&1 == 0 {
			continue
		}
		if uint64(at) >= uint64(len(m.units)) {
			break
		}
		value, length = m.units[at]&(1<<31-1), i+1
		if !longest {
			break
		}
	}
	return value, length
}

func unitOffset(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }

// value returns the string that begins there.
func (m *charsmap) value(at uint32) []byte {
	if uint64(at) >= uint64(len(m.values)) {
		return nil
	}
	v, _, _ := bytes.Cut(m.values[at:], []byte{0})
	return v
}

// longest is SentencePiece's normal form: the longest key at each place is replaced.
// A byte that is no part of a character becomes U+FFFD.
func (m *charsmap) longest(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for s != "" {
		if at, n := m.search(s, true); n > 0 {
			b.Write(m.value(at))
			s = s[n:]
			continue
		}
		r, size := utf8.DecodeRuneInString(s)
		b.WriteRune(r)
		s = s[size:]
	}
	return b.String()
}

// clusters is the normal form of Hugging Face's library: it looks up whole grapheme
// clusters of less than six bytes, and the characters of the others, and takes the
// shortest key that one begins with for the whole of it.
func (m *charsmap) clusters(s string) string {
	const short = 6
	var b strings.Builder
	b.Grow(len(s))
	for s != "" {
		n := clusterLength(s)
		cluster := s[:n]
		s = s[n:]
		if n < short && m.replace(&b, cluster) {
			continue
		}
		for cluster != "" {
			_, size := utf8.DecodeRuneInString(cluster)
			if !m.replace(&b, cluster[:size]) {
				b.WriteString(cluster[:size])
			}
			cluster = cluster[size:]
		}
	}
	return b.String()
}

func (m *charsmap) replace(b *strings.Builder, s string) bool {
	at, n := m.search(s, false)
	if n > 0 {
		b.Write(m.value(at))
	}
	return n > 0
}
