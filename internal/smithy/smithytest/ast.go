// Package smithytest gives tests shapes that no code was generated for: it loads a
// model in Smithy's JSON AST form into the schemas that protocols work on, and
// offers Value, a structure that takes the form of any schema.
//
// So a protocol is tested on every shape its conformance cases know, and the
// generated packages are compared with a second description of the same API. It
// is for tests only and trades speed for looking alike: members are held in an
// untyped list. It doesn't validate a model, and a trait it does not know is
// ignored.
package smithytest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/smithy"
)

// Model is a loaded model. It is safe for concurrent use.
type Model struct {
	// Services are the model's services, ordered by shape ID.
	Services []*smithy.Service

	services map[string]*smithy.Service           // by shape ID
	schemas  map[string]map[string]*smithy.Schema // by service's and shape's ID
	defaults map[*smithy.Schema][]any             // by member, nil where there is none
}

// LoadFile loads the model in files. See Load.
func LoadFile(names ...string) (*Model, error) {
	var readers []io.Reader
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close() //nolint:errcheck // only read
		readers = append(readers, f)
	}
	m, err := Load(readers...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(names, ", "), err)
	}
	return m, nil
}

// Load reads a model in JSON AST form (Smithy 2.0). Shapes of a later reader
// replace those of an earlier one. Each service gets schemas of its own, since
// names on the wire depend on its protocol.
func Load(readers ...io.Reader) (*Model, error) {
	var ast struct {
		Shapes map[string]*shape `json:"shapes"`
	}
	for _, r := range readers { // decoding into the same map merges
		if err := json.NewDecoder(r).Decode(&ast); err != nil {
			return nil, fmt.Errorf("read model: %w", err)
		}
	}
	if err := addFramework(ast.Shapes); err != nil {
		return nil, err
	}
	m := &Model{
		services: map[string]*smithy.Service{},
		schemas:  map[string]map[string]*smithy.Schema{},
		defaults: map[*smithy.Schema][]any{},
	}
	for _, id := range sortedKeys(ast.Shapes) {
		if ast.Shapes[id].Type != "service" {
			continue
		}
		b := &builder{model: m, shapes: ast.Shapes, schemas: map[string]*smithy.Schema{}}
		svc, err := b.service(id)
		if err != nil {
			return nil, fmt.Errorf("service %s: %w", id, err)
		}
		m.services[id] = svc
		m.schemas[id] = b.schemas
		m.Services = append(m.Services, svc)
	}
	return m, nil
}

// framework holds the shapes of Smithy's validation module that models refer to and
// do not bring.
const framework = `{
	"smithy.framework#ValidationException": {"type": "structure", "members": {
		"message": {"target": "smithy.api#String", "traits": {"smithy.api#required": {}}},
		"fieldList": {"target": "smithy.framework#ValidationExceptionFieldList"}},
		"traits": {"smithy.api#error": "client"}},
	"smithy.framework#ValidationExceptionFieldList": {"type": "list",
		"member": {"target": "smithy.framework#ValidationExceptionField"}},
	"smithy.framework#ValidationExceptionField": {"type": "structure", "members": {
		"path": {"target": "smithy.api#String", "traits": {"smithy.api#required": {}}},
		"message": {"target": "smithy.api#String", "traits": {"smithy.api#required": {}}}}}
}`

func addFramework(shapes map[string]*shape) error {
	var extra map[string]*shape
	if err := json.Unmarshal([]byte(framework), &extra); err != nil {
		return err
	}
	for id, s := range extra {
		if shapes[id] == nil {
			shapes[id] = s
		}
	}
	return nil
}

// Service returns the service with a shape ID, nil when there is none.
func (m *Model) Service(id string) *smithy.Service { return m.services[id] }

// Schema returns the schema of a shape as the service with serviceID sees it: one
// that an operation of it reaches. It is nil when there is none.
func (m *Model) Schema(serviceID, id string) *smithy.Schema { return m.schemas[serviceID][id] }

// shape is a shape of the AST.
type shape struct {
	Type       string             `json:"type"`
	Traits     traits             `json:"traits"`
	Version    string             `json:"version"`
	Members    orderedMap[member] `json:"members"`
	Mixins     []target           `json:"mixins"`
	Member     *member            `json:"member"`
	Key        *member            `json:"key"`
	Value      *member            `json:"value"`
	Input      target             `json:"input"`
	Output     target             `json:"output"`
	Errors     []target           `json:"errors"`
	Operations []target           `json:"operations"`
	Rename     map[string]string  `json:"rename"`
}

type target struct {
	Target string `json:"target"`
}

type member struct {
	Target string `json:"target"`
	Traits traits `json:"traits"`
}

// traits are a shape's traits by full name.
type traits map[string]json.RawMessage

func (t traits) has(name string) bool {
	_, ok := t[name]
	return ok
}

// get decodes trait name into v and says whether it is there.
func (t traits) get(name string, v any) bool {
	raw, ok := t[name]
	return ok && json.Unmarshal(raw, v) == nil
}

func (t traits) str(name string) string {
	var s string
	t.get(name, &s)
	return s
}

// orderedMap is a JSON object whose order matters, as it does for members.
type orderedMap[V any] struct {
	keys   []string
	values map[string]V
}

func (m *orderedMap[V]) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &m.values); err != nil {
		return err
	}
	dec := json.NewDecoder(strings.NewReader(string(data)))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		m.keys = append(m.keys, key.(string)) // a key is a string
		var skip json.RawMessage
		if err := dec.Decode(&skip); err != nil {
			return err
		}
	}
	return nil
}

// add puts a member at the end, or over the one of that name.
func (m *orderedMap[V]) add(key string, v V) {
	if m.values == nil {
		m.values = map[string]V{}
	}
	if _, ok := m.values[key]; !ok {
		m.keys = append(m.keys, key)
	}
	m.values[key] = v
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, cmp.Compare)
	return keys
}
