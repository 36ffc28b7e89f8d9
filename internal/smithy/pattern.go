package smithy

import (
	"hash/maphash"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
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
	all, none []*matcher
}

// Match says whether the whole of s matches. It is safe for concurrent use. A
// pattern that doesn't compile refuses nothing; Compile tells.
func (p *Pattern) Match(s string) bool {
	p.once.Do(func() { _ = p.compile() })
	for _, m := range p.all {
		if !m.match(s) {
			return false
		}
	}
	for _, m := range p.none {
		if m.match(s) {
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

func (p *Pattern) compile() error {
	all := p.All
	if all == nil {
		all = []string{p.Expr}
	}
	var err error
	if p.all, err = newMatchers(all); err != nil {
		return err
	}
	p.none, err = newMatchers(p.None)
	return err
}

func newMatchers(exprs []string) ([]*matcher, error) {
	var out []*matcher
	for _, e := range exprs {
		m := &matcher{runs: parseRuns(e)}
		if m.runs == nil {
			re, err := regexp.Compile(`\A(?:` + e + `)\z`)
			if err != nil {
				return nil, err
			}
			m.re, m.recent = re, &recent{seed: maphash.MakeSeed()}
		}
		out = append(out, m)
	}
	return out, nil
}

// matcher matches whole strings: by runs of characters where the expression is no
// more than that, which most are, else by package regexp.
type matcher struct {
	runs   runs
	re     *regexp.Regexp
	recent *recent
}

// maxSearched is the longest string, in bytes, that is given to package regexp, so
// that a request of many megabytes costs no minutes. Expressions that need a search
// are those of names and ARNs; nothing so long is one.
const maxSearched = 16 << 10

func (m *matcher) match(s string) bool {
	if m.re == nil {
		return m.runs.match(s)
	}
	if len(s) > maxSearched {
		return false
	}
	if m.recent.has(s) {
		return true
	}
	ok := m.re.MatchString(s)
	if ok {
		m.recent.add(s)
	}
	return ok
}

// recent remembers a few short strings that matched: requests name the same model
// again and again, and its pattern is the dearest part of validation. It is safe
// for concurrent use.
type recent struct {
	seed maphash.Seed
	slot [16]atomic.Pointer[string]
}

// maxRecent is the longest string that is remembered.
const maxRecent = 256

func (r *recent) at(s string) *atomic.Pointer[string] {
	return &r.slot[maphash.String(r.seed, s)%uint64(len(r.slot))]
}

func (r *recent) has(s string) bool {
	if len(s) > maxRecent {
		return false
	}
	p := r.at(s).Load()
	return p != nil && *p == s
}

func (r *recent) add(s string) {
	if len(s) <= maxRecent {
		s = strings.Clone(s) // s may be part of a whole request
		r.at(s).Store(&s)
	}
}
