package smithy

import (
	"regexp"
	"sync"
)

// Pattern is a constraint on a string's whole value. Expr is the model's own
// expression, which messages show; it compiles when it is first used.
//
// Go's engine lacks lookaheads and repeats over 1000. Where Expr uses them, All and
// None say the same in its words: the value must match each of All and none of
// None.
type Pattern struct {
	Expr string
	All  []string // nil means Expr itself
	None []string

	once      sync.Once
	all, none []*regexp.Regexp
}

// Match says whether the whole of s matches. It is safe for concurrent use. A
// pattern that doesn't compile refuses nothing; Compile tells.
func (p *Pattern) Match(s string) bool {
	if p.Expr == anything {
		return true
	}
	p.once.Do(func() { _ = p.compile() })
	for _, re := range p.all {
		if !re.MatchString(s) {
			return false
		}
	}
	for _, re := range p.none {
		if re.MatchString(s) {
			return false
		}
	}
	return true
}

// Compile reports the pattern's expressions that Go cannot compile.
func (p *Pattern) Compile() error {
	c := Pattern{Expr: p.Expr, All: p.All, None: p.None}
	return c.compile()
}

// anything is the expression that models use to say no more than "a string".
const anything = `[\s\S]*`

func (p *Pattern) compile() error {
	all := p.All
	if all == nil {
		all = []string{p.Expr}
	}
	var err error
	if p.all, err = compileWhole(all); err != nil {
		return err
	}
	p.none, err = compileWhole(p.None)
	return err
}

func compileWhole(exprs []string) ([]*regexp.Regexp, error) {
	var out []*regexp.Regexp
	for _, e := range exprs {
		re, err := regexp.Compile(`\A(?:` + e + `)\z`)
		if err != nil {
			return nil, err
		}
		out = append(out, re)
	}
	return out, nil
}
