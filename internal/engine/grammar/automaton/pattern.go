package automaton

import (
	"encoding/binary"
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
)

const (
	maxProgram = 20_000    // instructions of one expression
	maxWork    = 3_000_000 // ranges looked at while an expression's automaton is built
)

// Pattern returns the automaton of a JSON Schema pattern: an ECMA 262 expression
// that must be found somewhere in the string. Look-around, back references and
// word boundaries have no automaton of their own here and are an error.
func Pattern(expr string) (*DFA, error) {
	translated, err := translate(expr)
	if err != nil {
		return nil, err
	}
	re, err := syntax.Parse(translated, syntax.Perl)
	if err != nil {
		if e, ok := errors.AsType[*syntax.Error](err); ok {
			if e.Code == syntax.ErrInvalidRepeatSize || e.Code == syntax.ErrLarge {
				return nil, ErrTooLarge
			}
			return nil, fmt.Errorf("%s", e.Code)
		}
		return nil, err
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return nil, err
	}
	if len(prog.Inst) > maxProgram {
		return nil, ErrTooLarge
	}
	c := &subsets{prog: prog, out: newBuilder(), number: map[string]int32{}, mark: make([]int, len(prog.Inst))}
	return c.build()
}

// subsets builds the deterministic automaton of a program: a state is the set of
// instructions that wait for a code point, or for the end of the text.
type subsets struct {
	prog   *syntax.Prog
	out    *builder
	number map[string]int32
	sets   [][]uint32
	mark   []int // by instruction: the last closure it was in
	round  int
	work   int
}

func (c *subsets) build() (*DFA, error) {
	start := c.closure([]uint32{uint32(c.prog.Start)}, syntax.EmptyBeginText) //nolint:gosec // an instruction's number
	c.state(start, syntax.EmptyBeginText)
	for q := int32(0); int(q) < len(c.sets); q++ {
		if err := c.expand(q); err != nil {
			return nil, err
		}
	}
	d := c.out.trimmed()
	d.cost += 10 * c.work
	return d, nil
}

// closure follows what consumes nothing from the given instructions. at holds the
// assertions that are true here.
func (c *subsets) closure(from []uint32, at syntax.EmptyOp) []uint32 {
	c.round++
	set := []uint32{} // nil means found
	stack := slices.Clone(from)
	for len(stack) > 0 {
		pc := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if c.mark[pc] == c.round {
			continue
		}
		c.mark[pc] = c.round
		c.work++
		switch in := &c.prog.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			stack = append(stack, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			stack = append(stack, in.Out)
		case syntax.InstEmptyWidth:
			if need := syntax.EmptyOp(in.Arg); need&^at == 0 { //nolint:gosec // the package's own encoding
				stack = append(stack, in.Out)
			} else if need&^at == syntax.EmptyEndText {
				set = append(set, pc) // true if the text ends here
			}
		case syntax.InstFail:
		default: // match and runes
			set = append(set, pc)
		}
	}
	slices.Sort(set)
	return set
}

// state numbers the state that is set; at holds the assertions that are true in it.
func (c *subsets) state(set []uint32, at syntax.EmptyOp) int32 {
	if c.matches(set) { // found: whatever follows is accepted, and one state will do
		set = nil
	}
	key := make([]byte, 0, 4*len(set)+1)
	key = append(key, byte(at))
	for _, pc := range set {
		key = binary.LittleEndian.AppendUint32(key, pc)
	}
	if set == nil {
		key = []byte{0xff}
	}
	q, ok := c.number[string(key)]
	if ok {
		return q
	}
	q = c.out.state()
	c.number[string(key)] = q
	c.sets = append(c.sets, set)
	c.out.final[q] = set == nil || c.matches(c.closure(set, at|syntax.EmptyEndText))
	return q
}

func (c *subsets) matches(set []uint32) bool {
	return slices.ContainsFunc(set, func(pc uint32) bool { return c.prog.Inst[pc].Op == syntax.InstMatch })
}

// step is one way out of a state: a range of code points and an instruction.
type step struct {
	lo, hi rune
	out    uint32
}

func (c *subsets) expand(q int32) error {
	if c.sets[q] == nil {
		for _, e := range codePoints {
			c.out.add(q, Edge{e.Lo, e.Hi, q})
		}
		return nil
	}
	steps := c.steps(c.sets[q])
	var cuts []rune
	for _, s := range steps {
		cuts = append(cuts, s.lo, s.hi+1)
	}
	for _, e := range codePoints {
		cuts = append(cuts, e.Lo, e.Hi+1)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	slices.SortFunc(steps, func(a, b step) int { return int(a.lo - b.lo) })
	var active []step
	targets := map[string]int32{}
	for i := 0; i+1 < len(cuts); i++ {
		lo, hi := cuts[i], cuts[i+1]-1
		active = slices.DeleteFunc(active, func(s step) bool { return s.hi < lo })
		for len(steps) > 0 && steps[0].lo <= lo {
			active = append(active, steps[0])
			steps = steps[1:]
		}
		if lo >= 0xD800 && hi <= 0xDFFF {
			continue
		}
		c.work += len(active) + 1
		c.out.add(q, Edge{lo, hi, c.target(active, targets)})
		if c.work > maxWork || c.out.full() {
			return ErrTooLarge
		}
	}
	return nil
}

// target is the state that the active steps lead to together; the search for a
// match may also begin anew here.
func (c *subsets) target(active []step, known map[string]int32) int32 {
	from := make([]uint32, 0, len(active)+1)
	for _, s := range active {
		from = append(from, s.out)
	}
	from = append(from, uint32(c.prog.Start)) //nolint:gosec // an instruction's number
	slices.Sort(from)
	from = slices.Compact(from)
	c.work += len(from)
	key := make([]byte, 0, 4*len(from))
	for _, pc := range from {
		key = binary.LittleEndian.AppendUint32(key, pc)
	}
	if q, ok := known[string(key)]; ok {
		return q
	}
	q := c.state(c.closure(from, 0), 0)
	known[string(key)] = q
	return q
}

// steps lists the ranges on which a set moves.
func (c *subsets) steps(set []uint32) []step {
	var steps []step
	for _, pc := range set {
		in := &c.prog.Inst[pc]
		switch in.Op {
		case syntax.InstRuneAny:
			steps = append(steps, step{0, codePoints[1].Hi, in.Out})
		case syntax.InstRuneAnyNotNL:
			steps = append(steps, step{0, '\n' - 1, in.Out}, step{'\n' + 1, codePoints[1].Hi, in.Out})
		case syntax.InstRune, syntax.InstRune1:
			if len(in.Rune) == 1 { // one rune, which may stand for either case: none is asked for
				steps = append(steps, step{in.Rune[0], in.Rune[0], in.Out})
				continue
			}
			for i := 0; i+1 < len(in.Rune); i += 2 {
				steps = append(steps, step{in.Rune[i], in.Rune[i+1], in.Out})
			}
		default: // match and assertions have no way out
		}
	}
	return steps
}
