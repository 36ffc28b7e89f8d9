package grammar

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/sharedtest"
)

// schemaMaker makes random schemas and, independently of any grammar, values that
// are valid against them.
type schemaMaker struct{ *rand.Rand }

// object is JSON whose members keep their order.
type object []member2

type member2 struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// made is a schema and a source of valid values.
type made struct {
	schema object
	value  func() any
}

var words2 = []string{"a", "ab", "name", "é", "x y", "日本", "", "value", "nan", "namely", "q\"q", "back\\", "tab\t", "😀"}

func (r *schemaMaker) word() string { return words2[r.IntN(len(words2))] }

func (r *schemaMaker) make(depth int) made {
	n := 9
	if depth <= 0 {
		n = 6
	}
	switch r.IntN(n) {
	case 0:
		return r.text()
	case 1:
		return r.integer()
	case 2:
		return r.number()
	case 3:
		return made{object{{"type", "boolean"}}, func() any { return r.IntN(2) == 0 }}
	case 4:
		return r.enum()
	case 5:
		m := r.text()
		m.schema[0].value = []string{"string", "null"}
		text := m.value
		m.value = func() any {
			if r.IntN(3) == 0 {
				return nil
			}
			return text()
		}
		return m
	case 6:
		return r.array(depth)
	case 7:
		return r.union(depth)
	}
	return r.object(depth)
}

func (r *schemaMaker) text() made {
	switch r.IntN(4) {
	case 0:
		lo := r.IntN(4)
		hi := lo + r.IntN(5)
		return made{object{{"type", "string"}, {"minLength", lo}, {"maxLength", hi}}, func() any {
			n := lo + r.IntN(hi-lo+1)
			var b strings.Builder
			for range n {
				b.WriteRune([]rune("abé日😀\"\\\n/<\u2028")[r.IntN(11)])
			}
			return b.String()
		}}
	case 1:
		return made{object{{"type", "string"}, {"pattern", "^[a-z]{2,4}-\\d+$"}}, func() any {
			return fmt.Sprintf("%s-%d", strings.Repeat(string(rune('a'+r.IntN(26))), 2+r.IntN(3)), r.IntN(2000))
		}}
	case 2:
		return made{object{{"type", "string"}, {"format", "date"}}, func() any {
			return fmt.Sprintf("%04d-%02d-%02d", r.IntN(3000), 1+r.IntN(12), 1+r.IntN(28))
		}}
	}
	return made{object{{"type", "string"}}, func() any { return r.word() + r.word() }}
}

func (r *schemaMaker) integer() made {
	lo := r.IntN(2000) - 1000
	hi := lo + r.IntN(3000)
	step := 1
	s := object{{"type", "integer"}, {"minimum", lo}, {"maximum", hi}}
	if r.IntN(3) == 0 {
		if step = 1 + r.IntN(7); hi-lo < step {
			hi += step
			s[2].value = hi
		}
		s = append(s, member2{"multipleOf", step})
	}
	return made{s, func() any {
		for {
			if n := lo + r.IntN(hi-lo+1); n%step == 0 {
				return n
			}
		}
	}}
}

func (r *schemaMaker) number() made {
	lo := float64(r.IntN(4000)-2000) / 100
	hi := lo + float64(1+r.IntN(3000))/100
	return made{object{{"type", "number"}, {"minimum", json.Number(fmt.Sprintf("%.2f", lo))}, {"exclusiveMaximum", json.Number(fmt.Sprintf("%.2f", hi))}}, func() any {
		x := lo + r.Float64()*(hi-lo)*0.99
		return json.Number(fmt.Sprintf("%.4f", x+0.0001))
	}}
}

func (r *schemaMaker) enum() made {
	values := []any{r.word(), r.IntN(100), r.IntN(2) == 0, nil, r.word() + "!", []any{1, r.word()}, object{{"k", r.word()}}}
	r.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	values = values[:1+r.IntN(len(values))]
	pick := func() any { return values[r.IntN(len(values))] }
	if len(values) == 1 {
		return made{object{{"const", values[0]}}, pick}
	}
	return made{object{{"enum", values}}, pick}
}

func (r *schemaMaker) array(depth int) made {
	item := r.make(depth - 1)
	lo := r.IntN(3)
	hi := lo + r.IntN(4)
	s := object{{"type", "array"}, {"items", item.schema}, {"minItems", lo}, {"maxItems", hi}}
	var prefix []made
	if r.IntN(3) == 0 {
		var schemas []any
		for range 1 + r.IntN(2) {
			p := r.make(depth - 1)
			prefix = append(prefix, p)
			schemas = append(schemas, p.schema)
		}
		s = append(s, member2{"prefixItems", schemas})
	}
	return made{s, func() any {
		items := []any{}
		for i := range lo + r.IntN(hi-lo+1) {
			if i < len(prefix) {
				items = append(items, prefix[i].value())
			} else {
				items = append(items, item.value())
			}
		}
		return items
	}}
}

func (r *schemaMaker) union(depth int) made {
	a, b := r.make(depth-1), r.make(depth-1)
	keyword := "anyOf"
	return made{object{{keyword, []any{a.schema, b.schema}}}, func() any {
		if r.IntN(2) == 0 {
			return a.value()
		}
		return b.value()
	}}
}

func (r *schemaMaker) object(depth int) made {
	props := object{}
	var values []func() any
	var required []string
	for i := range r.IntN(5) {
		m := r.make(depth - 1)
		name := fmt.Sprint(r.word(), i)
		props = append(props, member2{name, m.schema})
		values = append(values, m.value)
		if r.IntN(2) == 0 {
			required = append(required, name)
		}
	}
	s := object{{"type", "object"}, {"properties", props}}
	if len(required) > 0 {
		s = append(s, member2{"required", required})
	}
	var extra *made
	switch r.IntN(4) {
	case 0:
		s = append(s, member2{"additionalProperties", false})
	case 1:
		m := r.make(depth - 1)
		extra = &m
		s = append(s, member2{"additionalProperties", m.schema})
	}
	return made{s, func() any {
		o := object{}
		for i, p := range props {
			if slices.Contains(required, p.name) || r.IntN(2) == 0 {
				o = append(o, member2{p.name, values[i]()})
			}
		}
		if extra != nil {
			for i := range r.IntN(3) {
				o = append(o, member2{fmt.Sprint("extra", i, r.word()), extra.value()})
			}
		}
		return o
	}}
}

// styles writes a value as models and programs do.
func styles(t *testing.T, v any) []string {
	t.Helper()
	compact, err := marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var two, tab bytes.Buffer
	if err := errors.Join(json.Indent(&two, compact, "", "  "), json.Indent(&tab, compact, "", "\t")); err != nil {
		t.Fatal(err)
	}
	return []string{string(compact), spaced(string(compact)), two.String(), tab.String()}
}

// spaced puts a space behind each comma and colon outside of strings.
func spaced(text string) string {
	var b strings.Builder
	quoted, escaped := false, false
	for _, c := range text {
		b.WriteRune(c)
		switch {
		case escaped:
			escaped = false
		case c == '\\' && quoted:
			escaped = true
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == ':'):
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// TestRandomSchemas has random schemas accept what is valid and generate nothing else.
func TestRandomSchemas(t *testing.T) {
	t.Parallel()
	v := smallVocab(jsonPieces...)
	c := NewCompiler(v)
	count := 400
	if testing.Short() {
		count = 60
	}
	for seed := range count {
		r := &schemaMaker{Rand: rand.New(rand.NewPCG(uint64(seed), 7))}
		m := r.make(3)
		schema, err := marshal(m.schema)
		if err != nil {
			t.Fatal(err)
		}
		g, err := c.Compile(Schema(schema))
		if err != nil {
			t.Fatalf("%s: %v", schema, err)
		}
		check, err := validator(string(schema))
		if err != nil {
			t.Fatalf("%s: %v", schema, err)
		}
		for range 4 {
			for _, text := range styles(t, m.value()) {
				if err := validate(check, text); err != nil {
					t.Fatalf("%s: the test's own value %s: %v", schema, text, err)
				}
				if err := read(g.Start(), v, text, r.Rand); err != nil {
					t.Fatalf("%s: %s: %v", schema, text, err)
				}
			}
			text := generate(t, g, v, r.Rand, r.IntN(60))
			if err := validate(check, text); err != nil {
				t.Fatalf("%s: generated %s: %v", schema, text, err)
			}
		}
	}
}

// TestToolSchemas compiles the schemas of real tools and walks in them.
func TestToolSchemas(t *testing.T) {
	t.Parallel()
	path := sharedtest.Path(t, "eval", "toolcall", "toolcall.dev.jsonl")
	v := smallVocab(jsonPieces...)
	c := NewCompiler(v)
	random := rand.New(rand.NewPCG(1, 1))
	total, failed, calls := 0, map[string]int{}, 0
	for _, line := range readLines(t, path) {
		var row struct {
			Tools []struct {
				Name       string
				Parameters json.RawMessage
			}
			Truth []map[string]json.RawMessage `json:"ground_truth"`
		}
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatal(err)
		}
		for _, tool := range row.Tools {
			total++
			schema := toolTypes.Replace(string(tool.Parameters))
			g, err := c.Compile(Schema(json.RawMessage(schema)))
			if err != nil {
				failed[tool.Name+": "+err.Error()]++
				continue
			}
			check, err := validator(schema)
			if err != nil {
				t.Fatalf("%s: %v", schema, err)
			}
			text := generate(t, g, v, random, random.IntN(40))
			if err := validate(check, text); err != nil {
				t.Errorf("%s: generated %s: %v", schema, text, err)
			}
			calls++
		}
	}
	t.Logf("%d of %d tools compile", total-len(failed), total)
	for reason, n := range failed {
		t.Logf("%d times: %s", n, reason)
	}
	if n := total - calls; n*50 > total {
		t.Errorf("%d of %d tools do not compile", n, total)
	}
}

// toolTypes turns the types of the tools' own dialect into JSON Schema's.
var toolTypes = strings.NewReplacer(`"type": "dict"`, `"type": "object"`, `"type": "float"`, `"type": "number"`,
	`"type": "tuple"`, `"type": "array"`, `"type": "any"`, `"x-type": "any"`)

func readLines(t *testing.T, path string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(text), []byte("\n"))
}
