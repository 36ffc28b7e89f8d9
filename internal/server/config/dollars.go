package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Dollars is an amount of money in micro-dollars, read from a decimal such as
// 0.25 without passing through floating point.
type Dollars int64

// UnmarshalYAML reads a number or a quoted number.
func (d *Dollars) UnmarshalYAML(text []byte) error {
	s := strings.Trim(strings.TrimSpace(string(text)), `"'`)
	whole, frac, _ := strings.Cut(s, ".")
	if len(frac) > 6 {
		return fmt.Errorf("price %s: at most six decimals", s)
	}
	n, err := strconv.ParseUint(whole+frac+strings.Repeat("0", 6-len(frac)), 10, 50)
	if err != nil || whole == "" {
		return fmt.Errorf("price %q is not an amount in US dollars per million tokens, such as 0.25", s)
	}
	*d = Dollars(n)
	return nil
}
