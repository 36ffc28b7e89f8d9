package smithy

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// runs is an expression that needs no search: runs of characters of one class each,
// of which only the last varies in length, such as [a-z][a-z0-9_]{0,62}.
type runs []run

// run is min to max characters of a class.
type run struct {
	min, max int       // max is -1 without a bound
	ascii    [2]uint64 // the class below U+0080, a bit each
	ranges   []rune    // the class above it, as pairs
}

// match says whether the whole of s is what r describes.
func (r runs) match(s string) bool {
	for i := range r {
		n, ok := r[i].take(s)
		if !ok {
			return false
		}
		s = s[n:]
	}
	return s == ""
}

// take returns how many bytes at the start of s are the run's, as many as may be.
func (r *run) take(s string) (int, bool) {
	i, count := 0, 0
	for i < len(s) && count != r.max {
		c, size := rune(s[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(s[i:])
		}
		if !r.has(c) {
			break
		}
		i += size
		count++
	}
	return i, count >= r.min
}

func (r *run) has(c rune) bool {
	if c < utf8.RuneSelf {
		return r.ascii[c/64]&(1<<(c%64)) != 0
	}
	for i := 0; i < len(r.ranges); i += 2 {
		if r.ranges[i] <= c && c <= r.ranges[i+1] {
			return true
		}
	}
	return false
}

// parseRuns returns what expr describes, nil when it needs a search or is wrong.
func parseRuns(expr string) runs {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	out, ok := appendRuns(runs{}, strip(re))
	if !ok {
		return nil
	}
	for i := range len(out) - 1 {
		if out[i].min != out[i].max {
			return nil // how long this one is depends on what follows
		}
	}
	return out
}

// strip takes off anchors and a group, which say nothing about a whole value.
func strip(re *syntax.Regexp) *syntax.Regexp {
	for re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	if re.Op != syntax.OpConcat {
		return re
	}
	sub := re.Sub
	if len(sub) > 1 && sub[0].Op == syntax.OpBeginText {
		sub = sub[1:]
	}
	if len(sub) > 1 && sub[len(sub)-1].Op == syntax.OpEndText {
		sub = sub[:len(sub)-1]
	}
	if len(sub) == 1 {
		return strip(sub[0])
	}
	return &syntax.Regexp{Op: syntax.OpConcat, Sub: sub}
}

func appendRuns(out runs, re *syntax.Regexp) (runs, bool) {
	switch re.Op {
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			var ok bool
			if out, ok = appendRuns(out, sub); !ok {
				return nil, false
			}
		}
		return out, true
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 {
			return nil, false
		}
		for _, c := range re.Rune {
			out = append(out, classRun([]rune{c, c}, 1, 1))
		}
		return out, true
	case syntax.OpStar:
		return appendRepeat(out, re.Sub[0], 0, -1)
	case syntax.OpPlus:
		return appendRepeat(out, re.Sub[0], 1, -1)
	case syntax.OpQuest:
		return appendRepeat(out, re.Sub[0], 0, 1)
	case syntax.OpRepeat:
		return appendRepeat(out, re.Sub[0], re.Min, re.Max)
	default:
		return appendRepeat(out, re, 1, 1)
	}
}

// appendRepeat appends a run of the class that re is.
func appendRepeat(out runs, re *syntax.Regexp, least, most int) (runs, bool) {
	for re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	switch re.Op {
	case syntax.OpCharClass:
		return append(out, classRun(re.Rune, least, most)), true
	case syntax.OpAnyChar:
		return append(out, classRun([]rune{0, utf8.MaxRune}, least, most)), true
	case syntax.OpAnyCharNotNL:
		return append(out, classRun([]rune{0, '\n' - 1, '\n' + 1, utf8.MaxRune}, least, most)), true
	case syntax.OpLiteral:
		if len(re.Rune) != 1 || re.Flags&syntax.FoldCase != 0 {
			return nil, false
		}
		return append(out, classRun([]rune{re.Rune[0], re.Rune[0]}, least, most)), true
	default:
		return nil, false
	}
}

func classRun(ranges []rune, least, most int) run {
	r := run{min: least, max: most}
	for pair := range slices.Chunk(ranges, 2) {
		lo, hi := pair[0], pair[1]
		for c := lo; c <= hi && c < utf8.RuneSelf; c++ {
			r.ascii[c/64] |= 1 << (c % 64)
		}
		if hi >= utf8.RuneSelf {
			r.ranges = append(r.ranges, max(lo, utf8.RuneSelf), hi)
		}
	}
	return r
}
