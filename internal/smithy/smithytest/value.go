package smithytest

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/outcrop-ai/outcrop/internal/smithy"
)

// Value is a structure or union of any schema. Its members are held as
//
//	structure, union           *Value
//	list                       []any, nil for a null of a sparse list
//	map                        map[string]any, likewise
//	string, enum, big numbers  string
//	integers                   int64
//	float, double              float64
//	boolean                    bool
//	blob                       []byte
//	timestamp                  time.Time
//	document                   json.RawMessage
//
// and nil when they are absent. It implements smithy.Struct and error, so one of an
// error's schema stands for a modelled error.
type Value struct {
	schema  *smithy.Schema
	model   *Model
	members []any
}

// New returns an empty value of a schema that came from anywhere.
func New(s *smithy.Schema) *Value { return (&Model{}).New(s) }

// New returns an empty value. A schema of the model brings its defaults along.
func (m *Model) New(s *smithy.Schema) *Value {
	return &Value{schema: s, model: m, members: make([]any, len(s.Members))}
}

// newStruct returns a *Stream for a schema with an event stream, else a *Value.
func (m *Model) newStruct(s *smithy.Schema) smithy.Struct {
	if streamMember(s) < 0 {
		return m.New(s)
	}
	return m.NewStream(s)
}

// Schema implements smithy.Struct.
func (v *Value) Schema() *smithy.Schema { return v.schema }

// Error implements error.
func (v *Value) Error() string { return fmt.Sprintf("%s: %v", v.schema.Error, v.Params()) }

// Get returns a member, or its default, or nil. It panics on a name that the schema
// has no member of.
func (v *Value) Get(name string) any { return v.at(v.index(name)) }

// Set sets a member and returns v. It panics on a name that the schema has no
// member of.
func (v *Value) Set(name string, value any) *Value {
	v.members[v.index(name)] = value
	return v
}

func (v *Value) index(name string) int {
	i := slices.IndexFunc(v.schema.Members, func(m smithy.Member) bool { return m.Name == name })
	if i < 0 {
		//nolint:forbidigo // a mistake of the test itself
		panic(fmt.Sprintf("smithytest: %s has no member %s", v.schema.Name, name))
	}
	return i
}

func (v *Value) at(i int) any {
	if v.members[i] != nil {
		return v.members[i]
	}
	if d := v.model.defaults[v.schema]; d != nil {
		return d[i]
	}
	return nil
}

// ReadMember implements smithy.Struct.
func (v *Value) ReadMember(r smithy.Reader, i int) error {
	val, err := v.read(r, v.schema.Members[i].Schema)
	v.members[i] = val
	return err
}

func (v *Value) read(r smithy.Reader, s *smithy.Schema) (any, error) {
	switch s.Type {
	case smithy.Structure, smithy.Union:
		inner := v.model.New(s)
		return inner, r.Struct(inner)
	case smithy.List:
		list := []any{}
		err := r.List(s, func(null bool) error {
			elem, err := v.readElem(r, s.Members[0].Schema, null)
			list = append(list, elem)
			return err
		})
		return list, err
	case smithy.Map:
		entries := map[string]any{}
		err := r.Map(s, func(key string, null bool) error {
			elem, err := v.readElem(r, s.Members[1].Schema, null)
			entries[key] = elem
			return err
		})
		return entries, err
	case smithy.Byte, smithy.Short, smithy.Integer, smithy.Long, smithy.IntEnum:
		return wrap(r.Int(s))
	case smithy.Float, smithy.Double:
		return wrap(r.Float(s))
	case smithy.Boolean:
		return wrap(r.Bool(s))
	case smithy.Blob:
		return wrap(r.Bytes(s))
	case smithy.Timestamp:
		return wrap(r.Time(s))
	case smithy.Document:
		raw, err := r.JSON(s)
		return json.RawMessage(raw), err
	case smithy.String, smithy.Enum, smithy.BigInteger, smithy.BigDecimal:
		return wrap(r.String(s))
	default:
		return nil, fmt.Errorf("shape %s has no type", s.Name)
	}
}

func (v *Value) readElem(r smithy.Reader, s *smithy.Schema, null bool) (any, error) {
	if null {
		return nil, nil //nolint:nilnil // a null element
	}
	return v.read(r, s)
}

func wrap[T any](v T, err error) (any, error) { return v, err }

// WriteMembers implements smithy.Struct.
func (v *Value) WriteMembers(w smithy.Writer) {
	for i := range v.schema.Members {
		m := &v.schema.Members[i]
		if val := v.at(i); val != nil && (m.Schema.Type != smithy.Union || !m.Schema.Streaming) {
			w.Member(i)
			write(w, m.Schema, val)
		}
	}
}

func write(w smithy.Writer, s *smithy.Schema, val any) {
	switch val := val.(type) {
	case nil:
		w.Null()
	case *Value:
		w.Struct(val)
	case []any:
		w.List(s, len(val), func(i int) { write(w, s.Members[0].Schema, val[i]) })
	case map[string]any:
		w.Map(s, len(val))
		for _, k := range sortedKeys(val) {
			w.Key(k)
			write(w, s.Members[1].Schema, val[k])
		}
		w.EndMap()
	case string:
		w.String(s, val)
	case int64:
		w.Int(s, val)
	case float64:
		w.Float(s, val)
	case bool:
		w.Bool(s, val)
	case []byte:
		w.Bytes(s, val)
	case time.Time:
		w.Time(s, val)
	case json.RawMessage:
		w.JSON(s, val)
	default:
		//nolint:forbidigo // a mistake of the test itself
		panic(fmt.Sprintf("smithytest: %s cannot hold a %T", s.Name, val))
	}
}

// Stream is a Value with an event stream. It is both smithy.EventSource and
// smithy.EventSink.
type Stream struct {
	*Value
	// Seq is the stream, nil until one is set.
	Seq iter.Seq2[smithy.Struct, error]
}

// NewStream returns an empty value of a schema that has an event stream.
func (m *Model) NewStream(s *smithy.Schema) *Stream { return &Stream{Value: m.New(s)} }

// Events implements smithy.EventSource. Without a stream it is empty.
func (s *Stream) Events() iter.Seq2[smithy.Struct, error] {
	if s.Seq == nil {
		return func(func(smithy.Struct, error) bool) {}
	}
	return s.Seq
}

// NewEvent implements smithy.EventSink.
func (s *Stream) NewEvent() smithy.Struct { return s.model.New(s.EventSchema()) }

// SetEvents implements smithy.EventSink.
func (s *Stream) SetEvents(seq iter.Seq2[smithy.Struct, error]) { s.Seq = seq }

// EventSchema returns the union of the stream's events.
func (s *Stream) EventSchema() *smithy.Schema {
	return s.schema.Members[streamMember(s.schema)].Schema
}
