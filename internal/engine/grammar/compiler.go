package grammar

import (
	"container/list"
	"sync"

	"github.com/outcrop-ai/outcrop/internal/engine/grammar/automaton"
)

// Vocab is what the compiler needs of a tokenizer. It is not changed and must not change.
type Vocab interface {
	Size() int
	Piece(id int32) []byte // the bytes id adds to a running text; not changed here
	Control(id int32) bool // id is no text: only the rule Token allows it
	Ends() []int32         // the tokens that end generation
}

// Compiler compiles rules for one vocabulary. It is safe for concurrent use.
type Compiler struct {
	vocab    *vocabulary
	machines sync.Pool
	masks    *maskStore
	json     *jsonRules

	mu     sync.Mutex
	known  map[string]*list.Element  // compiled rules
	recent *list.List                // of *compiled, the last used first
	bytes  int                       // of the keys
	common map[string]*rule          // strings and numbers, by what is asked of them
	texts  map[string]*automaton.DFA // of patterns and formats
}

// compiled is a grammar that is kept for the next request with the same rule: the
// tools of a conversation are compiled once.
type compiled struct {
	key     string
	grammar *Grammar
}

// What is kept: rules, and the bytes of their texts, to which their automata are in proportion.
const (
	maxCompiled      = 64
	maxCompiledBytes = 4 << 20
)

// NewCompiler returns a compiler for v. It reads the whole vocabulary.
func NewCompiler(v Vocab) *Compiler {
	c := &Compiler{vocab: newVocabulary(v), masks: newMaskStore(), known: map[string]*list.Element{}, recent: list.New(), common: map[string]*rule{}, texts: map[string]*automaton.DFA{}}
	c.json = newJSONRules(c.masks)
	return c
}

func (c *Compiler) machine() *machine {
	if m, ok := c.machines.Get().(*machine); ok {
		return m
	}
	return &machine{}
}

func (c *Compiler) release(m *machine) {
	m.reset()
	c.machines.Put(m)
}

// Grammar is a compiled rule, safe for concurrent use.
type Grammar struct {
	c    *Compiler
	main *rule
}

// Compile compiles r, or finds it among those that were compiled lately. The error is
// an *UnsupportedError, an *InvalidError or a *LimitError.
func (c *Compiler) Compile(r Rule) (*Grammar, error) {
	key := string(r.appendKey(nil))
	if g := c.lookup(key); g != nil {
		return g, nil
	}
	b := &builder{c: c}
	main, err := b.main(r)
	if err != nil {
		return nil, err
	}
	g := &Grammar{c: c, main: main}
	c.remember(key, g)
	return g, nil
}

func (c *Compiler) lookup(key string) *Grammar {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.known[key]
	if e == nil {
		return nil
	}
	c.recent.MoveToFront(e)
	return grammarOf(e)
}

func grammarOf(e *list.Element) *Grammar {
	if k, ok := e.Value.(*compiled); ok {
		return k.grammar
	}
	return nil
}

// remember keeps g, and lets go of what has not been used for long.
func (c *Compiler) remember(key string, g *Grammar) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known[key] != nil || len(key) > maxCompiledBytes {
		return
	}
	c.known[key] = c.recent.PushFront(&compiled{key, g})
	c.bytes += len(key)
	for c.recent.Len() > maxCompiled || c.bytes > maxCompiledBytes {
		e := c.recent.Back()
		if k, ok := c.recent.Remove(e).(*compiled); ok {
			delete(c.known, k.key)
			c.bytes -= len(k.key)
		}
	}
}

// automaton returns the automaton that key names: the one that is known, or else made.
// cost is what that took, zero where it was known.
func (c *Compiler) automaton(key string, made func() (*automaton.DFA, error)) (d *automaton.DFA, cost int, err error) {
	c.mu.Lock()
	d = c.texts[key]
	c.mu.Unlock()
	if d != nil {
		return d, 0, nil
	}
	if d, err = made(); err != nil || d == nil {
		return nil, 0, err
	}
	if d.Cost() > maxKeptText {
		return d, d.Cost(), nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.texts) >= maxCommon {
		clear(c.texts)
	}
	c.texts[key] = d
	return d, d.Cost(), nil
}

// maxKeptText is the most that an automaton which is kept costs.
const maxKeptText = 1 << 20

// maxCommon is how many rules of strings and numbers are shared by grammars.
const maxCommon = 512

// share returns the rule of the strings or numbers that key describes: the one that
// another grammar has, with its masks, or else made. No rule: there are none such.
func (c *Compiler) share(key string, made func() (*rule, error)) ([]*rule, error) {
	c.mu.Lock()
	r := c.common[key]
	c.mu.Unlock()
	if r == nil {
		var err error
		if r, err = made(); err != nil || r == nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.common) >= maxCommon {
		clear(c.common)
	}
	c.common[key] = r
	return []*rule{r}, nil
}

// Start returns the state before the first token.
func (g *Grammar) Start() *State {
	m := g.c.machine()
	defer g.c.release(m)
	m.keep, m.limit = true, maxDepth
	m.begin()
	m.add(pos{g.main, g.main.start, &frame{}})
	m.finish()
	s := &State{g: g, complete: m.exited}
	s.set = append(s.set, m.items...)
	return s
}
