package grammar

import (
	"fmt"
	"math/big"
	"strings"
)

// bound is one end of a range of numbers.
type bound struct {
	decimal
	open bool // the number itself is out
}

// numberSpec says which numbers are wanted. The zero value is any number.
type numberSpec struct {
	integer  bool
	min, max *bound
	multiple []decimal // each is positive
}

// String describes s, the same for the same numbers.
func (s numberSpec) String() string {
	end := func(b *bound) string {
		switch {
		case b == nil:
			return "any"
		case b.open:
			return "over " + b.String()
		}
		return b.String()
	}
	multiples := make([]string, len(s.multiple))
	for i, m := range s.multiple {
		multiples[i] = m.String()
	}
	return fmt.Sprint(s.integer, " ", end(s.min), " to ", end(s.max), " by ", strings.Join(multiples, " "))
}

const (
	maxDigits    = 20 // before the point and behind it, where no bound asks for more
	maxNumStates = 60_000
)

// anyNumber is the lexer of a number without bounds. Its size is limited so that the
// number is always one that a double holds.
func anyNumber() *table {
	d := &tableDraft{}
	start, minus, zero := d.state(), d.state(), d.state()
	d.link(start, minus, '-', '-')
	point := d.state()
	mark := d.state()
	digits := func(from int32, lo byte, n int) []int32 { // up to n digits, the first from lo
		var all []int32
		for range n {
			to := d.state()
			d.ends[to] = true
			d.link(from, to, lo, '9')
			all = append(all, to)
			from, lo = to, '0'
		}
		return all
	}
	first := digits(start, '1', maxDigits)
	d.link(minus, first[0], '1', '9')
	d.link(start, zero, '0', '0')
	d.link(minus, zero, '0', '0')
	d.ends[zero] = true
	for _, q := range append(first, zero) {
		d.link(q, point, '.', '.')
		d.link(q, mark, 'e', 'e')
		d.link(q, mark, 'E', 'E')
	}
	for _, q := range digits(point, '0', maxDigits) {
		d.link(q, mark, 'e', 'e')
		d.link(q, mark, 'E', 'E')
	}
	// The exponent: one or two digits, or three up to 269.
	sign := d.state()
	one, two, big, last := d.state(), d.state(), d.state(), d.state()
	high, low := d.state(), d.state()
	d.ends[one], d.ends[big], d.ends[two], d.ends[last], d.ends[high], d.ends[low] = true, true, true, true, true, true
	d.link(mark, sign, '+', '+')
	d.link(mark, sign, '-', '-')
	for _, q := range []int32{mark, sign} {
		d.link(q, one, '0', '0')
		d.link(q, one, '3', '9')
		d.link(q, big, '1', '1')
		d.link(q, two, '2', '2')
	}
	d.link(one, last, '0', '9')
	d.link(big, low, '0', '9')
	d.link(two, high, '0', '6')
	d.link(two, last, '7', '9')
	d.link(low, last, '0', '9')
	d.link(high, last, '0', '9')
	return d.done()
}

// Phases of a number as it is read.
type phase uint8

const (
	atStart phase = iota
	atMinus
	atZero // a leading zero: no digit may follow
	inWhole
	atPoint
	inFrac
)

// numState is where a bounded number stands: how many digits of its phase were read,
// how they compare with those of the bounds, and what remains of the multiple.
type numState struct {
	phase    phase
	negative bool
	digits   int16
	lo, hi   int8
	rem      uint32
}

// numbers builds the lexer of bounded numbers: the states are found by walking.
type numbers struct {
	spec    numberSpec
	min     [2]*bound // of the magnitude, by sign (1: negative); nil min: nothing of that sign
	max     [2]*bound // nil: no bound
	whole   int       // most digits before the point
	frac    int       // and behind it
	modulus uint32    // of the number times ten to the scale; 0: none
	scale   int
	draft   tableDraft
	known   map[numState]int32
	queue   []numState
}

// int64 bounds integers that nothing else bounds, so that they fit where they are read.
var (
	leastInt = bound{decimal: decimal{negative: true, whole: "9223372036854775808"}}
	mostInt  = bound{decimal: decimal{whole: "9223372036854775807"}}
	zero     = bound{decimal: decimal{whole: "0"}}
	overZero = bound{decimal: decimal{whole: "0"}, open: true}
)

// lexer returns the lexer of the numbers of s; nil when there are none. ok is false
// where it would be too large.
func (s numberSpec) lexer() (t *table, ok bool) {
	if !s.integer && s.min == nil && s.max == nil && len(s.multiple) == 0 {
		return anyNumber(), true
	}
	n := &numbers{spec: s, whole: maxDigits, frac: maxDigits, known: map[numState]int32{}}
	if s.integer {
		n.frac = 0
	}
	if !n.setMultiple() {
		return nil, false
	}
	n.setBounds()
	n.state(numState{phase: atStart})
	for len(n.queue) > 0 {
		if len(n.known) > maxNumStates {
			return nil, false
		}
		s := n.queue[0]
		n.queue = n.queue[1:]
		n.expand(s)
	}
	return n.draft.done(), true
}

// setBounds splits the range into the magnitudes of either sign.
func (n *numbers) setBounds() {
	lo, hi := n.spec.min, n.spec.max
	if n.spec.integer || n.modulus > 0 {
		least, most := leastInt, mostInt
		if n.modulus > 1 { // fewer digits, fewer states
			least.whole, most.whole = "999999999999", "999999999999"
		}
		if lo == nil && (hi == nil || hi.rat().Cmp(least.rat()) > 0) {
			lo = &least
		}
		if hi == nil && (lo == nil || lo.rat().Cmp(most.rat()) < 0) {
			hi = &most
		}
	}
	for _, b := range []*bound{lo, hi} {
		if b != nil {
			n.whole = max(n.whole, len(b.whole)+1)
			if n.frac > 0 && n.modulus == 0 {
				n.frac = max(n.frac, len(b.frac)+1)
			}
		}
	}
	n.min[0], n.max[0] = &zero, hi
	if lo != nil && !lo.negative {
		n.min[0] = lo
	}
	if hi != nil && hi.negative {
		n.min[0] = nil
	}
	n.min[1] = &overZero // there is no -0
	if hi != nil && hi.negative {
		n.min[1] = hi
	}
	if lo != nil {
		n.max[1] = lo
		if !lo.negative {
			n.min[1] = nil
		}
	}
}

// setMultiple joins the multiples into one modulus.
func (n *numbers) setMultiple() bool {
	if len(n.spec.multiple) == 0 {
		return true
	}
	joined := big.NewRat(1, 1)
	for i, m := range n.spec.multiple {
		r := m.rat()
		if i == 0 {
			joined = r
			continue
		}
		joined = lcm(joined, r)
	}
	if n.spec.integer { // a multiple of p/q that is whole is a multiple of p
		joined = new(big.Rat).SetInt(joined.Num())
	}
	for ; !joined.IsInt(); n.scale++ {
		if n.scale > maxDigits {
			return false
		}
		joined.Mul(joined, big.NewRat(10, 1))
	}
	m := joined.Num()
	if !m.IsInt64() || m.Int64() > maxNumStates {
		return false
	}
	n.modulus = uint32(m.Int64()) //nolint:gosec // just compared
	n.frac = n.scale
	return true
}

// lcm is the least number that is a multiple of both.
func lcm(a, b *big.Rat) *big.Rat {
	g := new(big.Int).GCD(nil, nil, new(big.Int).Mul(a.Num(), b.Denom()), new(big.Int).Mul(b.Num(), a.Denom()))
	num := new(big.Int).Mul(a.Num(), b.Num())
	return new(big.Rat).SetFrac(num, g)
}

func (n *numbers) state(s numState) int32 {
	q, ok := n.known[s]
	if !ok {
		q = n.draft.state()
		n.draft.ends[q] = n.accepts(s)
		n.known[s] = q
		n.queue = append(n.queue, s)
	}
	return q
}

func sign(negative bool) int {
	if negative {
		return 1
	}
	return 0
}

// accepts reports whether the number may end in s.
func (n *numbers) accepts(s numState) bool {
	if s.phase != atZero && s.phase != inWhole && s.phase != inFrac {
		return false
	}
	lo, hi := n.compare(s)
	k := sign(s.negative)
	if lo < 0 || lo == 0 && n.min[k].open {
		return false
	}
	if n.max[k] != nil && (hi > 0 || hi == 0 && n.max[k].open) {
		return false
	}
	if n.modulus == 0 {
		return true
	}
	rem := uint64(s.rem)
	left := n.scale
	if s.phase == inFrac {
		left -= int(s.digits)
	}
	for ; left > 0; left-- {
		rem = rem * 10 % uint64(n.modulus)
	}
	return rem == 0
}

// compare says how the magnitude in s compares with the bounds if it ends here.
func (n *numbers) compare(s numState) (lo, hi int8) {
	k := sign(s.negative)
	lo, hi = s.lo, s.hi
	end := func(c int8, b *bound) int8 {
		switch {
		case b == nil:
			return -1
		case s.phase != inFrac && int(s.digits) < len(b.whole):
			return -1
		case c != 0:
			return c
		case s.phase == inFrac && int(s.digits) < len(b.frac), s.phase != inFrac && b.frac != "":
			return -1
		}
		return 0
	}
	return end(lo, n.min[k]), end(hi, n.max[k])
}

func (n *numbers) expand(s numState) {
	from := n.known[s]
	link := func(to numState, b byte) {
		if !n.outside(to) {
			n.draft.link(from, n.state(to), b, b)
		}
	}
	switch s.phase {
	case atStart, atMinus:
		if s.phase == atStart && n.min[1] != nil {
			link(numState{phase: atMinus, negative: true}, '-')
		}
		if s.phase == atStart && n.min[0] == nil {
			return
		}
		for d := byte('0'); d <= '9'; d++ {
			to := n.whole1(s, d)
			if d == '0' {
				to.phase = atZero
			}
			link(to, d)
		}
	case inWhole, atZero:
		if s.phase == inWhole && int(s.digits) < n.whole {
			for d := byte('0'); d <= '9'; d++ {
				link(n.whole1(s, d), d)
			}
		}
		if n.frac > 0 {
			to := s
			to.lo, to.hi = n.pointed(s)
			to.phase, to.digits = atPoint, 0
			link(to, '.')
		}
	case atPoint, inFrac:
		if int(s.digits) < n.frac {
			for d := byte('0'); d <= '9'; d++ {
				link(n.frac1(s, d), d)
			}
		}
	}
}

// outside reports whether all numbers that begin as s are out of bounds.
func (n *numbers) outside(s numState) bool {
	most := n.max[sign(s.negative)]
	switch s.phase {
	case inWhole, atZero:
		return most != nil && (int(s.digits) > len(most.whole) || int(s.digits) == len(most.whole) && s.hi > 0)
	case atPoint, inFrac:
		return s.lo < 0 || most != nil && s.hi > 0
	default:
		return false
	}
}

// digitAt compares digit d with digit i of text, which goes on with zeros.
func digitAt(c int8, text string, i int, d byte) int8 {
	other := byte('0')
	if i < len(text) {
		other = text[i]
	}
	switch {
	case c != 0:
		return c
	case d < other:
		return -1
	case d > other:
		return 1
	}
	return 0
}

// whole1 reads a digit before the point.
func (n *numbers) whole1(s numState, d byte) numState {
	k := sign(s.negative)
	one := func(c int8, b *bound) int8 {
		switch {
		case b == nil:
			return -1
		case int(s.digits) >= len(b.whole):
			return 1 // more digits than the bound has
		}
		return digitAt(c, b.whole, int(s.digits), d)
	}
	s.lo, s.hi = one(s.lo, n.min[k]), one(s.hi, n.max[k])
	s.phase = inWhole
	s.digits++
	n.remain(&s, d)
	return s
}

// pointed compares what is before the point.
func (n *numbers) pointed(s numState) (lo, hi int8) {
	k := sign(s.negative)
	end := func(c int8, b *bound) int8 {
		if b == nil || int(s.digits) < len(b.whole) {
			return -1
		}
		return c
	}
	return end(s.lo, n.min[k]), end(s.hi, n.max[k])
}

// frac1 reads a digit behind the point.
func (n *numbers) frac1(s numState, d byte) numState {
	k := sign(s.negative)
	one := func(c int8, b *bound) int8 {
		if b == nil {
			return -1
		}
		return digitAt(c, b.frac, int(s.digits), d)
	}
	s.lo, s.hi = one(s.lo, n.min[k]), one(s.hi, n.max[k])
	s.phase = inFrac
	s.digits++
	n.remain(&s, d)
	return s
}

func (n *numbers) remain(s *numState, d byte) {
	if n.modulus > 0 {
		s.rem = uint32((uint64(s.rem)*10 + uint64(d-'0')) % uint64(n.modulus)) //nolint:gosec // below the modulus
	}
}
