package smithytest

import (
	"encoding/json"
	"time"

	"github.com/outcrop-ai/outcrop/internal/smithy"
)

// Copy returns what v writes, as a Value of v's schema.
func Copy(v smithy.Struct) *Value {
	var out *Value
	w := &writer{state: state{put: func(val any) { out, _ = val.(*Value) }}}
	w.Struct(v)
	return out
}

// writer is a smithy.Writer that collects a Value.
type writer struct {
	state
	outer []state // of the maps around this one
}

// state is where the next value goes.
type state struct {
	put     func(any)
	value   *Value         // the structure being written
	entries map[string]any // the map being written
}

func (w *writer) Struct(v smithy.Struct) {
	outer := w.state
	out := New(v.Schema())
	w.state = state{value: out}
	v.WriteMembers(w)
	w.state = outer
	w.put(out)
}

func (w *writer) Member(i int) {
	members := w.value.members
	w.put = func(val any) { members[i] = val }
}

func (w *writer) List(_ *smithy.Schema, n int, elem func(i int)) {
	outer := w.state
	out := make([]any, n)
	for i := range n {
		w.state = state{put: func(val any) { out[i] = val }}
		elem(i)
	}
	w.state = outer
	w.put(out)
}

func (w *writer) Map(_ *smithy.Schema, n int) {
	w.outer = append(w.outer, w.state)
	w.state = state{entries: make(map[string]any, n)}
}

func (w *writer) Key(k string) {
	entries := w.entries
	w.put = func(val any) { entries[k] = val }
}

func (w *writer) EndMap() {
	out := w.entries
	last := len(w.outer) - 1
	w.state, w.outer = w.outer[last], w.outer[:last]
	w.put(out)
}

func (w *writer) Null()                              { w.put(nil) }
func (w *writer) String(_ *smithy.Schema, v string)  { w.put(v) }
func (w *writer) Bool(_ *smithy.Schema, v bool)      { w.put(v) }
func (w *writer) Int(_ *smithy.Schema, v int64)      { w.put(v) }
func (w *writer) Float(_ *smithy.Schema, v float64)  { w.put(v) }
func (w *writer) Bytes(_ *smithy.Schema, v []byte)   { w.put(v) }
func (w *writer) Time(_ *smithy.Schema, v time.Time) { w.put(v) }
func (w *writer) JSON(_ *smithy.Schema, v []byte)    { w.put(json.RawMessage(v)) }
