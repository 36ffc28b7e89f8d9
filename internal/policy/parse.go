package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// MaxSize is the size in bytes above which Parse refuses a document; IAM's own limits are
// lower and depend on what the policy is attached to.
const MaxSize = 128 << 10

const (
	version2012 = "2012-10-17"
	version2008 = "2008-10-17"
)

// Parse reads and compiles an identity-based policy document. Its error is a
// fault.Invalid whose message says what to change, in AWS's words where it has some.
//
// It is as strict as IAM: element names are case-sensitive, unknown and repeated ones are
// refused, and so is a Principal, which belongs into policies of resources.
func Parse(text []byte) (*Document, error) {
	doc, err := parseDocument(text)
	if err != nil {
		return nil, fault.Errorf(fault.Invalid, "%s", err)
	}
	return doc, nil
}

// NewAllow returns a document of one statement that allows actions on resources.
func NewAllow(actions, resources []string) (*Document, error) {
	text, err := json.Marshal(map[string]any{
		"Version":   version2012,
		"Statement": map[string]any{"Effect": "Allow", "Action": actions, "Resource": resources},
	})
	if err != nil {
		return nil, fmt.Errorf("write policy: %w", err)
	}
	return Parse(text)
}

// malformed returns an error in the words that a client will read.
func malformed(format string, args ...any) error { return fault.Errorf(fault.Invalid, format, args...) }

func parseDocument(text []byte) (*Document, error) {
	switch {
	case len(text) > MaxSize:
		return nil, malformed("the policy document is larger than %d bytes", MaxSize)
	case !utf8.Valid(text):
		return nil, malformed("the policy document is not UTF-8")
	}
	elements, err := object(text, "The policy document")
	if err != nil {
		return nil, err
	}
	doc := &Document{Version: version2008} // what IAM takes a document without one for
	var statements json.RawMessage
	for _, el := range elements {
		switch el.name {
		case "Version":
			if doc.Version, err = oneString(el.value); err != nil || doc.Version != version2012 && doc.Version != version2008 {
				return nil, malformed("Version must be %q or %q", version2012, version2008)
			}
		case "Id":
			if doc.ID, err = oneString(el.value); err != nil {
				return nil, malformed("Id must be a string")
			}
		case "Statement":
			statements = el.value
		default:
			return nil, malformed("Syntax errors in policy: unknown element %q", clip(el.name))
		}
	}
	if statements == nil {
		return nil, malformed("Syntax errors in policy: the document has no Statement")
	}
	doc.Statements, err = parseStatements(statements, doc.Version == version2012)
	return doc, err
}

func parseStatements(raw json.RawMessage, variables bool) ([]*Statement, error) {
	list := []json.RawMessage{raw}
	if raw[0] == '[' {
		list = nil
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, malformed("Syntax errors in policy: %s", err)
		}
		if len(list) == 0 {
			return nil, malformed("Syntax errors in policy: Statement is empty")
		}
	}
	var all []*Statement
	seen := map[string]bool{}
	for i, raw := range list {
		s, err := parseStatement(raw, variables)
		if err != nil {
			return nil, malformed("statement %d: %w", i+1, err)
		}
		s.description = fmt.Sprintf("statement %d", i+1)
		if s.Sid != "" {
			s.description += " (" + s.Sid + ")"
			if seen[s.Sid] {
				return nil, malformed("Statement IDs (SID) in a single policy must be unique: %q", clip(s.Sid))
			}
			seen[s.Sid] = true
		}
		all = append(all, s)
	}
	return all, nil
}

var sidFormat = regexp.MustCompile(`^[A-Za-z0-9]*$`)

// statementText is a statement before it is compiled.
type statementText struct {
	effect, sid             string
	actions, notActions     []string
	resources, notResources []string
	conditions              json.RawMessage
}

func parseStatement(raw json.RawMessage, variables bool) (*Statement, error) {
	elements, err := object(raw, "A statement")
	if err != nil {
		return nil, err
	}
	var t statementText
	for _, el := range elements {
		if err := t.set(el); err != nil {
			return nil, err
		}
	}
	return t.compile(variables)
}

func (t *statementText) set(el member) (err error) {
	switch el.name {
	case "Sid":
		t.sid, err = oneString(el.value)
	case "Effect":
		t.effect, err = oneString(el.value)
	case "Action":
		t.actions, err = stringOrList(el.value)
	case "NotAction":
		t.notActions, err = stringOrList(el.value)
	case "Resource":
		t.resources, err = stringOrList(el.value)
	case "NotResource":
		t.notResources, err = stringOrList(el.value)
	case "Condition":
		t.conditions = el.value
	case "Principal", "NotPrincipal":
		return malformed("Policy document should not specify a principal")
	default:
		return malformed("Syntax errors in policy: unknown element %q", clip(el.name))
	}
	if err != nil {
		return malformed("Syntax errors in policy: %s has a value of the wrong type", el.name)
	}
	return nil
}

func (t *statementText) compile(variables bool) (s *Statement, err error) {
	s = &Statement{Sid: t.sid}
	switch t.effect {
	case "Allow":
		s.Effect = Allow
	case "Deny":
		s.Effect = Deny
	case "":
		return nil, malformed("Missing required field Effect")
	default:
		return nil, malformed("Invalid effect: %s", clip(t.effect))
	}
	switch {
	case !sidFormat.MatchString(t.sid):
		return nil, malformed("Statement IDs (SID) must be alpha-numeric: %q", clip(t.sid))
	case len(t.actions) > 0 && len(t.notActions) > 0:
		return nil, malformed("Syntax errors in policy: a statement has Action or NotAction, not both")
	case len(t.resources) > 0 && len(t.notResources) > 0:
		return nil, malformed("Syntax errors in policy: a statement has Resource or NotResource, not both")
	case len(t.actions)+len(t.notActions) == 0:
		return nil, malformed("Policy statement must contain actions")
	case len(t.resources)+len(t.notResources) == 0:
		return nil, malformed("Policy statement must contain resources")
	}
	if s.actions, err = compileActions(slices.Concat(t.actions, t.notActions), len(t.notActions) > 0); err != nil {
		return nil, err
	}
	o := compileOptions{wildcards: true, variables: variables}
	if s.resources, err = compileResources(slices.Concat(t.resources, t.notResources), len(t.notResources) > 0, o); err != nil {
		return nil, err
	}
	s.conditions, err = parseConditions(t.conditions, variables)
	return s, err
}

func parseConditions(raw json.RawMessage, variables bool) (all []condition, err error) {
	if raw == nil {
		return nil, nil
	}
	operators, err := object(raw, "Condition")
	if err != nil {
		return nil, err
	}
	for _, op := range operators {
		keys, err := object(op.value, op.name)
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			values, err := scalarOrList(key.value)
			if err != nil {
				return nil, malformed("%s of %s: %w", clip(op.name), clip(key.name), err)
			}
			c, err := compileCondition(op.name, key.name, values, variables)
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// member is one member of a JSON object, in the order they were written.
type member struct {
	name  string
	value json.RawMessage
}

// object reads a JSON object and refuses one with a repeated name, of which
// encoding/json would silently keep the last.
func object(raw []byte, what string) ([]member, error) {
	syntax := func(err error) error { return malformed("Syntax errors in policy: %s", err) }
	d := json.NewDecoder(bytes.NewReader(raw))
	if tok, err := d.Token(); err != nil {
		return nil, syntax(err)
	} else if tok != json.Delim('{') {
		return nil, syntax(malformed("%s must be an object", clip(what)))
	}
	var all []member
	seen := map[string]bool{}
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			return nil, syntax(err)
		}
		name, _ := tok.(string) // an object's names are strings
		if seen[name] {
			return nil, syntax(malformed("%q is given twice", clip(name)))
		}
		seen[name] = true
		m := member{name: name}
		if err := d.Decode(&m.value); err != nil {
			return nil, syntax(err)
		}
		all = append(all, m)
	}
	if _, err := d.Token(); err != nil {
		return nil, syntax(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, syntax(malformed("there is text after the end of the document"))
	}
	return all, nil
}

func oneString(raw json.RawMessage) (string, error) {
	list, err := stringOrList(raw)
	if err != nil || raw[0] == '[' {
		return "", malformed("not a string")
	}
	return list[0], nil
}

func stringOrList(raw json.RawMessage) (list []string, err error) {
	var items []*string // a null shows as nil
	if raw[0] == '[' {
		err = json.Unmarshal(raw, &items)
	} else {
		items = make([]*string, 1)
		err = json.Unmarshal(raw, &items[0])
	}
	for _, s := range items {
		if s == nil {
			return nil, malformed("a value is null")
		}
		list = append(list, *s)
	}
	return list, err
}

// scalarOrList reads the values of a condition: strings, numbers and booleans, or a list
// of them. Numbers keep their spelling.
func scalarOrList(raw json.RawMessage) ([]string, error) {
	list := []json.RawMessage{raw}
	if raw[0] == '[' {
		list = nil
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, err
		}
	}
	values := make([]string, 0, len(list))
	for _, v := range list {
		switch v[0] {
		case '"':
			var s string
			if err := json.Unmarshal(v, &s); err != nil {
				return nil, err
			}
			values = append(values, s)
		case '{', '[', 'n':
			return nil, malformed("a value must be a string, number or boolean")
		default:
			values = append(values, string(v))
		}
	}
	return values, nil
}
