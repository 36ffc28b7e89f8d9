package smithytest

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/outcrop-ai/outcrop/internal/smithy"
)

// Random returns a value of schema s with members chosen by rng: present or absent,
// of the right type, within the enums but heeding no other constraint. Required
// members are there, unions have one member, event streams are left out, and
// recursion ends after a few levels.
func Random(rng *rand.Rand, s *smithy.Schema) *Value { return random{rng}.structure(s, 0) }

// maxRandomDepth bounds how deep random values nest where nothing is required.
const maxRandomDepth = 8

type random struct {
	*rand.Rand
}

func (r random) structure(s *smithy.Schema, depth int) *Value {
	v := New(s)
	if len(s.Members) == 0 {
		return v
	}
	if s.Type == smithy.Union {
		i := r.IntN(len(s.Members))
		v.members[i] = r.value(s.Members[i].Schema, depth+1)
		return v
	}
	for i := range s.Members {
		m := &s.Members[i]
		if m.Schema.Type == smithy.Union && m.Schema.Streaming {
			continue
		}
		if m.Required || depth < maxRandomDepth && r.IntN(3) > 0 {
			v.members[i] = r.value(m.Schema, depth+1)
		}
	}
	return v
}

func (r random) value(s *smithy.Schema, depth int) any {
	switch s.Type {
	case smithy.Structure, smithy.Union:
		return r.structure(s, depth)
	case smithy.List:
		out := []any{}
		for range r.length(depth) {
			out = append(out, r.value(s.Members[0].Schema, depth+1))
		}
		return out
	case smithy.Map:
		out := map[string]any{}
		for range r.length(depth) {
			out[r.text(s.Members[0].Schema)] = r.value(s.Members[1].Schema, depth+1)
		}
		return out
	case smithy.Byte, smithy.Short, smithy.Integer, smithy.Long, smithy.IntEnum:
		return int64(r.IntN(200) - 100)
	case smithy.Float, smithy.Double:
		return float64(r.IntN(200)-100) / 8
	case smithy.Boolean:
		return r.IntN(2) == 0
	case smithy.Blob:
		return []byte(r.text(s))
	case smithy.Timestamp:
		return time.Unix(1+r.Int64N(1<<31), 0).UTC()
	case smithy.Document:
		return json.RawMessage(`{"n":` + strconv.Itoa(r.IntN(100)) + `}`)
	case smithy.BigInteger, smithy.BigDecimal:
		return strconv.Itoa(r.IntN(1000))
	default:
		return r.text(s)
	}
}

func (r random) length(depth int) int {
	if depth > maxRandomDepth {
		return 0
	}
	return r.IntN(3)
}

// text is never empty: generated types take an empty string for an absent one.
func (r random) text(s *smithy.Schema) string {
	if len(s.Enum) > 0 {
		return s.Enum[r.IntN(len(s.Enum))]
	}
	return "text " + strconv.Itoa(r.IntN(1000))
}
