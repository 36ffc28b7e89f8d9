package grammar

import (
	"math/big"
	"strconv"
	"strings"
)

// decimal is a number as it is written: exact, without an exponent.
type decimal struct {
	negative    bool
	whole, frac string // whole has no leading zeros but is never empty; frac has no trailing ones
}

// maxExponent bounds the exponents of numbers in schemas; a double has less.
const maxExponent = 400

// parseDecimal reads a JSON number; ok is false where its exponent is out of bounds.
func parseDecimal(text string) (d decimal, ok bool) {
	text, d.negative = strings.CutPrefix(text, "-")
	mantissa, exponent := text, 0
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		e, err := strconv.Atoi(strings.TrimPrefix(text[i+1:], "+"))
		if err != nil || e > maxExponent || e < -maxExponent {
			return d, false
		}
		mantissa, exponent = text[:i], e
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	for ; exponent > 0; exponent-- {
		if frac == "" {
			frac = "0"
		}
		whole, frac = whole+frac[:1], frac[1:]
	}
	for ; exponent < 0; exponent++ {
		if whole == "" {
			whole = "0"
		}
		whole, frac = whole[:len(whole)-1], whole[len(whole)-1:]+frac
	}
	d.whole, d.frac = strings.TrimLeft(whole, "0"), strings.TrimRight(frac, "0")
	if d.whole == "" {
		d.whole = "0"
	}
	if d.whole == "0" && d.frac == "" {
		d.negative = false
	}
	return d, len(d.whole) <= 2*maxExponent && len(d.frac) <= 2*maxExponent
}

func (d decimal) String() string {
	s := d.whole
	if d.frac != "" {
		s += "." + d.frac
	}
	if d.negative {
		s = "-" + s
	}
	return s
}

func (d decimal) rat() *big.Rat {
	r, _ := new(big.Rat).SetString(d.String())
	return r
}
