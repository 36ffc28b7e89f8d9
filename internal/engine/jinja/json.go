package jinja

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// FromJSON returns a JSON text as a value all of whose strings, keys included, are
// from source. The order of keys is kept; of equal keys the last counts.
func FromJSON(data []byte, source int32) (Value, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := decode(d, source, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more follows the JSON value")
	}
	return v, nil
}

func decode(d *json.Decoder, source int32, depth int) (Value, error) {
	if depth > maxNesting {
		return nil, errNesting
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case string:
		return text{s: t, source: source}, nil
	case bool:
		return boolean(t), nil
	case json.Number:
		return decodeNumber(string(t)), nil
	case json.Delim:
		if t == '[' {
			return decodeList(d, source, depth)
		}
		return decodeDict(d, source, depth)
	}
	return none{}, nil
}

func decodeList(d *json.Decoder, source int32, depth int) (Value, error) {
	l := &list{frozen: true, source: source}
	for d.More() {
		v, err := decode(d, source, depth+1)
		if err != nil {
			return nil, err
		}
		l.items = append(l.items, v)
	}
	_, err := d.Token()
	return l, err
}

func decodeDict(d *json.Decoder, source int32, depth int) (Value, error) {
	out := &Dict{source: source}
	for d.More() {
		k, err := decode(d, source, depth+1)
		if err != nil {
			return nil, err
		}
		v, err := decode(d, source, depth+1)
		if err != nil {
			return nil, err
		}
		h, err := hash(k)
		if err != nil {
			return nil, err
		}
		out.put(k, h, v)
	}
	_, err := d.Token()
	return out, err
}

// decodeNumber returns an integer where the number is written as one.
func decodeNumber(s string) Value {
	if !strings.ContainsAny(s, ".eE") {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return integer(i)
		}
		f, _ := strconv.ParseFloat(s, 64) // infinite when too large
		return float{f: f, literal: s}
	}
	f, _ := strconv.ParseFloat(s, 64)
	return float{f: f}
}

// jsonWriter writes values as Python's json.dumps.
type jsonWriter struct {
	m         *machine
	b         strings.Builder
	room      int
	source    int32 // the highest of what was written
	ascii     bool
	sorted    bool
	indent    string
	indented  bool
	item, key string // separators
}

// tojson is the filter as transformers sets it.
func tojson(m *machine, v Value, a *callArgs) (Value, error) {
	args, err := a.bind("ensure_ascii", "indent", "separators", "sort_keys")
	if err != nil {
		return nil, err
	}
	w := &jsonWriter{m: m, room: min(maxText, max(m.bytes, 0)), item: ", ", key: ": "}
	w.ascii = args[0] != nil && truth(args[0])
	w.sorted = args[3] != nil && truth(args[3])
	if err := w.setIndent(args[1]); err != nil {
		return nil, err
	}
	if l, ok := args[2].(*list); ok && len(l.items) == 2 {
		item, okItem := l.items[0].(text)
		key, okKey := l.items[1].(text)
		if !okItem || !okKey {
			return nil, errors.New("separators must be strings")
		}
		w.item, w.key = item.s, key.s
		w.source = max(item.maxSource(), key.maxSource())
	}
	if err := w.value(v, 0); err != nil {
		return nil, err
	}
	return text{s: w.b.String(), source: w.source}, nil
}

func (w *jsonWriter) setIndent(v Value) error {
	switch v := v.(type) {
	case nil, none:
		return nil
	case text:
		w.indent = v.s
		w.source = v.maxSource()
	default:
		n, err := intArg(v, 0)
		if err != nil {
			return err
		}
		const widest = 256
		if n > widest {
			return fmt.Errorf("an indent of more than %d", widest)
		}
		w.indent = strings.Repeat(" ", max(n, 0))
	}
	w.indented = true
	w.item = ","
	return nil
}

func (w *jsonWriter) value(v Value, depth int) error {
	if depth > maxNesting {
		return errNesting
	}
	if err := w.m.step(1); err != nil {
		return err
	}
	if w.b.Len() > w.room {
		return errBytes
	}
	switch v := v.(type) {
	case none:
		w.b.WriteString("null")
	case boolean:
		w.b.WriteString(strconv.FormatBool(bool(v)))
	case integer:
		w.b.WriteString(strconv.FormatInt(int64(v), 10))
	case float:
		w.b.WriteString(jsonFloat(v))
	case text:
		w.source = max(w.source, v.maxSource())
		w.string(v.s)
	case *list:
		return w.list(v, depth)
	case *Dict:
		return w.dict(v, depth)
	default:
		return fmt.Errorf("Object of type %s is not JSON serializable", v.typeName()) //nolint:staticcheck // Python's words
	}
	return nil
}

func jsonFloat(f float) string {
	switch {
	case f.literal != "":
		return f.literal
	case math.IsInf(f.f, 1):
		return "Infinity"
	case math.IsInf(f.f, -1):
		return "-Infinity"
	case math.IsNaN(f.f):
		return "NaN"
	}
	return f.String()
}

// line begins a new line where the writer indents.
func (w *jsonWriter) line(depth int) {
	if w.indented && w.b.Len() <= w.room {
		w.b.WriteByte('\n')
		for range depth {
			w.b.WriteString(w.indent)
		}
	}
}

func (w *jsonWriter) list(l *list, depth int) error {
	w.source = max(w.source, l.source)
	if len(l.items) == 0 {
		w.b.WriteString("[]")
		return nil
	}
	w.b.WriteByte('[')
	for i, item := range l.items {
		if i > 0 {
			w.b.WriteString(w.item)
		}
		w.line(depth + 1)
		if err := w.value(item, depth+1); err != nil {
			return err
		}
	}
	w.line(depth)
	w.b.WriteByte(']')
	return nil
}

func (w *jsonWriter) dict(d *Dict, depth int) error {
	w.source = max(w.source, d.source)
	if d.Len() == 0 {
		w.b.WriteString("{}")
		return nil
	}
	order, err := w.order(d)
	if err != nil {
		return err
	}
	w.b.WriteByte('{')
	for n, i := range order {
		if n > 0 {
			w.b.WriteString(w.item)
		}
		w.line(depth + 1)
		k, err := w.keyText(d.keys[i])
		if err != nil {
			return err
		}
		w.string(k)
		w.b.WriteString(w.key)
		if err := w.value(d.values[i], depth+1); err != nil {
			return err
		}
	}
	w.line(depth)
	w.b.WriteByte('}')
	return nil
}

// order returns the places of d's keys in the order of writing.
func (w *jsonWriter) order(d *Dict) ([]int, error) {
	out := make([]int, d.Len())
	for i := range out {
		out[i] = i
	}
	if !w.sorted {
		return out, nil
	}
	var failed error
	slices.SortStableFunc(out, func(i, j int) int {
		c, err := w.m.order(d.keys[i], d.keys[j], "<", 0)
		if err != nil {
			failed = err
		}
		return c
	})
	return out, failed
}

func (w *jsonWriter) keyText(k Value) (string, error) {
	switch k := k.(type) {
	case text:
		w.source = max(w.source, k.maxSource())
		return k.s, nil
	case none:
		return "null", nil
	case boolean:
		return strconv.FormatBool(bool(k)), nil
	case integer:
		return strconv.FormatInt(int64(k), 10), nil
	case float:
		return jsonFloat(k), nil
	}
	return "", fmt.Errorf("keys must be str, int, float, bool or None, not %s", k.typeName())
}

// string writes a JSON string as Python does.
func (w *jsonWriter) string(s string) {
	w.b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.b.WriteByte('\\')
			w.b.WriteRune(r)
		case r == '\n':
			w.b.WriteString(`\n`)
		case r == '\r':
			w.b.WriteString(`\r`)
		case r == '\t':
			w.b.WriteString(`\t`)
		case r == '\b':
			w.b.WriteString(`\b`)
		case r == '\f':
			w.b.WriteString(`\f`)
		case r < ' ' || w.ascii && r >= 0x7f && r <= 0xffff:
			fmt.Fprintf(&w.b, `\u%04x`, r)
		case w.ascii && r > utf8.RuneSelf:
			r -= 0x10000
			fmt.Fprintf(&w.b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			w.b.WriteRune(r)
		}
	}
	w.b.WriteByte('"')
}
