package policy

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// matchFunc makes a matcher of a function.
type matchFunc func(value string, e *evaluation) bool

func (f matchFunc) match(value string, e *evaluation) bool { return f(value, e) }

func compileStringEquals(v string, variables bool) (matcher, error) {
	p, err := compilePattern(v, compileOptions{variables: variables})
	return matchFunc(p.match), err
}

func compileStringFold(v string, variables bool) (matcher, error) {
	p, err := compilePattern(v, compileOptions{variables: variables})
	return matchFunc(p.matchFold), err
}

func compileStringLike(v string, variables bool) (matcher, error) {
	p, err := compilePattern(v, compileOptions{wildcards: true, variables: variables})
	return matchFunc(p.match), err
}

// compileArnLike serves ArnEquals too: AWS treats them alike. "*" alone is any value.
func compileArnLike(v string, variables bool) (matcher, error) {
	o := compileOptions{wildcards: true, variables: variables}
	if v == "*" || variables && strings.HasPrefix(v, "${") {
		return compileStringLike(v, variables)
	}
	p, err := compileARN(v, o, false)
	if err != nil {
		return nil, err
	}
	return matchFunc(p.match), nil
}

func compileBool(v string, variables bool) (matcher, error) {
	switch {
	case strings.EqualFold(v, "true"), strings.EqualFold(v, "false"):
		return matchFunc(func(value string, _ *evaluation) bool { return strings.EqualFold(value, v) }), nil
	case variables && strings.HasPrefix(v, "${"):
		return compileStringFold(v, variables)
	}
	return nil, fmt.Errorf("%q is neither true nor false", clip(v))
}

func compileBinary(v string, _ bool) (matcher, error) {
	want, err := base64.StdEncoding.DecodeString(v)
	if err != nil {
		return nil, fmt.Errorf("%q is not base64", clip(v))
	}
	return matchFunc(func(value string, _ *evaluation) bool {
		got, err := base64.StdEncoding.DecodeString(value)
		return err == nil && bytes.Equal(got, want)
	}), nil
}

func compileIP(v string, _ bool) (matcher, error) {
	prefix, err := netip.ParsePrefix(v)
	if err != nil {
		addr, err := netip.ParseAddr(v)
		if err != nil || addr.Zone() != "" {
			return nil, fmt.Errorf("%q is not an IP address or range", clip(v))
		}
		addr = addr.Unmap()
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	return matchFunc(func(value string, _ *evaluation) bool {
		addr, err := netip.ParseAddr(value)
		return err == nil && prefix.Contains(addr.Unmap().WithZone(""))
	}), nil
}

var numberFormat = regexp.MustCompile(`^[+-]?\d{1,40}(?:\.\d{1,40})?$`)

// number is a decimal; whole numbers keep all their digits.
type number struct {
	whole   int64
	isWhole bool
	float   float64
}

func parseNumber(s string) (number, error) {
	if !numberFormat.MatchString(s) {
		return number{}, fmt.Errorf("%q is not a number", clip(s))
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return number{}, fmt.Errorf("%q is not a number", clip(s))
	}
	i, err := strconv.ParseInt(s, 10, 64)
	return number{whole: i, isWhole: err == nil, float: f}, nil
}

func (n number) compare(m number) int {
	if n.isWhole && m.isWhole {
		return cmp.Compare(n.whole, m.whole)
	}
	return cmp.Compare(n.float, m.float)
}

func compileNumber(v string, accept func(int) bool) (matcher, error) {
	want, err := parseNumber(v)
	if err != nil {
		return nil, err
	}
	return matchFunc(func(value string, _ *evaluation) bool {
		got, err := parseNumber(value)
		return err == nil && accept(got.compare(want))
	}), nil
}

// parseDate reads a W3C date (a profile of ISO 8601) or seconds since 1970.
func parseDate(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02", "2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	n, err := parseNumber(s)
	if err != nil || !n.isWhole {
		return time.Time{}, fmt.Errorf("%q is not a date", clip(s))
	}
	return time.Unix(n.whole, 0), nil
}

func compileDate(v string, accept func(int) bool) (matcher, error) {
	want, err := parseDate(v)
	if err != nil {
		return nil, err
	}
	return matchFunc(func(value string, _ *evaluation) bool {
		got, err := parseDate(value)
		return err == nil && accept(got.Compare(want))
	}), nil
}
