package smithytest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/outcrop-ai/outcrop/internal/smithy"
)

// SetParams sets the members that a protocol test case gives as params: timestamps
// are seconds, blobs are their bytes as text, documents are plain JSON, and floats
// that JSON cannot hold are "NaN", "Infinity" and "-Infinity".
func (v *Value) SetParams(params json.RawMessage) error {
	if len(params) == 0 || string(params) == "null" {
		return nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(params, &members); err != nil {
		return fmt.Errorf("params of %s: %w", v.schema.Name, err)
	}
	for _, name := range sortedKeys(members) {
		i, err := v.find(name)
		if err != nil {
			return err
		}
		val, err := v.model.fromParams(v.schema.Members[i].Schema, members[name])
		if err != nil {
			return fmt.Errorf("%s.%s: %w", v.schema.Name, name, err)
		}
		v.members[i] = val
	}
	return nil
}

func (v *Value) find(name string) (int, error) {
	for i := range v.schema.Members {
		if v.schema.Members[i].Name == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%s has no member %s", v.schema.Name, name)
}

func (m *Model) fromParams(s *smithy.Schema, raw json.RawMessage) (any, error) {
	if string(raw) == "null" {
		return nil, nil //nolint:nilnil // a null element
	}
	switch s.Type {
	case smithy.Structure, smithy.Union:
		v := m.New(s)
		return v, v.SetParams(raw)
	case smithy.List:
		return m.listFromParams(s, raw)
	case smithy.Map:
		return m.mapFromParams(s, raw)
	case smithy.Byte, smithy.Short, smithy.Integer, smithy.Long, smithy.IntEnum:
		return decode[int64](raw)
	case smithy.Float, smithy.Double:
		return float(raw)
	case smithy.Boolean:
		return decode[bool](raw)
	case smithy.Blob:
		text, err := decode[string](raw)
		return []byte(text), err
	case smithy.Timestamp:
		if text, err := decode[string](raw); err == nil { // as event streams' cases have it
			return time.Parse(time.RFC3339, text)
		}
		seconds, err := decode[json.Number](raw)
		if err != nil {
			return nil, err
		}
		return epoch(seconds)
	case smithy.Document:
		var buf bytes.Buffer
		err := json.Compact(&buf, raw)
		return json.RawMessage(buf.Bytes()), err
	case smithy.BigInteger, smithy.BigDecimal:
		n, err := decode[json.Number](raw)
		return n.String(), err
	case smithy.String, smithy.Enum:
		return decode[string](raw)
	default:
		return nil, fmt.Errorf("shape %s has no type", s.Name)
	}
}

func (m *Model) listFromParams(s *smithy.Schema, raw json.RawMessage) (any, error) {
	elems, err := decode[[]json.RawMessage](raw)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(elems))
	for i, e := range elems {
		if out[i], err = m.fromParams(s.Members[0].Schema, e); err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return out, nil
}

func (m *Model) mapFromParams(s *smithy.Schema, raw json.RawMessage) (any, error) {
	entries, err := decode[map[string]json.RawMessage](raw)
	if err != nil {
		return nil, err
	}
	out := make(map[string]any, len(entries))
	for k, e := range entries {
		if out[k], err = m.fromParams(s.Members[1].Schema, e); err != nil {
			return nil, fmt.Errorf("key %q: %w", k, err)
		}
	}
	return out, nil
}

// fromDefault decodes the value of a default trait: as params, but for blobs, which
// are base64, and timestamps, which may be text.
func (m *Model) fromDefault(s *smithy.Schema, raw json.RawMessage) (any, error) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return m.fromParams(s, raw)
	}
	if s.Type == smithy.Blob {
		return base64.StdEncoding.DecodeString(text)
	}
	if s.Type == smithy.Timestamp {
		return time.Parse(time.RFC3339, text)
	}
	return m.fromParams(s, raw)
}

func decode[T any](raw json.RawMessage) (T, error) {
	var v T
	err := json.Unmarshal(raw, &v)
	return v, err
}

func float(raw json.RawMessage) (any, error) {
	text, err := decode[string](raw)
	if err != nil {
		return decode[float64](raw)
	}
	switch text {
	case "NaN":
		return math.NaN(), nil
	case "Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	default:
		return nil, errors.New("not a float: " + text)
	}
}

func epoch(n json.Number) (any, error) {
	if s, err := n.Int64(); err == nil {
		return time.Unix(s, 0).UTC(), nil
	}
	f, err := n.Float64()
	if err != nil {
		return nil, err
	}
	return time.UnixMilli(int64(math.Round(f * 1000))).UTC(), nil
}

// Params returns the members that are set, or have a default, in a form to compare
// with go-cmp: nested values as maps, times in UTC, documents decoded. Values that
// SetParams sets equal come out equal.
func (v *Value) Params() map[string]any {
	out := map[string]any{}
	for i := range v.schema.Members {
		if val := v.at(i); val != nil {
			out[v.schema.Members[i].Name] = plain(val)
		}
	}
	return out
}

func plain(val any) any {
	switch val := val.(type) {
	case *Value:
		return val.Params()
	case []any:
		out := make([]any, len(val))
		for i, e := range val {
			out[i] = plain(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(val))
		for k, e := range val {
			out[k] = plain(e)
		}
		return out
	case []byte:
		if val == nil {
			return []byte{} // an empty blob however it was read
		}
		return val
	case time.Time:
		return val.UTC()
	case json.RawMessage:
		var doc any
		if err := json.Unmarshal(val, &doc); err != nil {
			return string(val)
		}
		return doc
	default:
		return val
	}
}
