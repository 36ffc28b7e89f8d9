package anthropic

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// path names a place in a request as Anthropic's errors do: messages.0.content.1.
type path string

func (p path) key(k string) path {
	if p == "" {
		return path(k)
	}
	return p + "." + path(k)
}

func (p path) index(i int) path { return p.key(strconv.Itoa(i)) }

// errorf returns the error of a request that is wrong at p.
func (p path) errorf(format string, args ...any) error {
	return fault.Errorf(fault.Invalid, "%s: %w", p, fmt.Errorf(format, args...))
}

// required is the error of a member that is not there.
func (p path) required() error { return p.errorf("Field required") }

// decode reads raw into v; a value of the wrong type is an error that names the
// place below p.
func (p path) decode(raw json.RawMessage, v any) error {
	err := json.Unmarshal(raw, v)
	if err == nil {
		return nil
	}
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return p.errorf("Input should be valid JSON")
	}
	at := p
	if wrong.Field != "" {
		at = p.key(wrong.Field)
	}
	return at.errorf("Input should be a valid %s", typeWord(wrong.Type.String()))
}

// typeWord returns the JSON word for a Go type.
func typeWord(goType string) string {
	switch {
	case goType == "string", goType == "bool":
		return map[string]string{"string": "string", "bool": "boolean"}[goType]
	case strings.HasPrefix(goType, "int"):
		return "integer"
	case strings.HasPrefix(goType, "float"):
		return "number"
	case strings.HasPrefix(goType, "[]"):
		return "list"
	default:
		return "dictionary"
	}
}
