package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// schemas emits each shape's schema, and the methods of the structs.
//
// Every variable is a composite literal of constants and addresses, which the Go
// linker lays out: nothing runs when the program starts. Only references that
// close a cycle, which Go refuses in a literal, are set by link.
func (g *generator) schemas() error {
	numbers := map[string]string{}
	cycles := g.cycles()
	for _, name := range g.names {
		if err := g.schema(name, numbers, cycles[name]); err != nil {
			return err
		}
		if g.isStruct(name) {
			g.methods(name)
		}
	}
	g.numbers(numbers)
	g.link(cycles)
	return nil
}

// cycles returns, by shape, the members whose reference would close a cycle.
func (g *generator) cycles() map[string]map[string]bool {
	const open, done = 1, 2
	state := map[string]int{}
	out := map[string]map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		state[name] = open
		for _, m := range g.m.Shapes[name].children() {
			switch state[m.Shape] {
			case open:
				if out[name] == nil {
					out[name] = map[string]bool{}
				}
				out[name][m.Name] = true
			case done:
			default:
				visit(m.Shape)
			}
		}
		state[name] = done
	}
	for _, name := range g.names {
		if state[name] == 0 {
			visit(name)
		}
	}
	return out
}

// link emits the assignments of the references that close a cycle.
func (g *generator) link(cycles map[string]map[string]bool) {
	if len(cycles) == 0 {
		return
	}
	g.p("// link closes the cycles between schemas.")
	g.p("var _ = func() bool {")
	for _, name := range g.names {
		for i, m := range g.m.Shapes[name].children() {
			if cycles[name][m.Name] {
				g.p("schema%s.Members[%d].Schema = &schema%s", g.idents[name], i, g.idents[m.Shape])
			}
		}
	}
	g.p("return true")
	g.p("}()\n")
}

func (g *generator) schema(name string, numbers map[string]string, cyclic map[string]bool) error {
	s := g.m.Shapes[name]
	typ, err := schemaType(s)
	if err != nil {
		return fmt.Errorf("shape %s: %w", name, err)
	}
	constraints, err := g.constraints(s, numbers)
	if err != nil {
		return fmt.Errorf("shape %s: %w", name, err)
	}
	g.p("var schema%s = smithy.Schema{", g.idents[name])
	g.p("Name: %q, Type: smithy.%s,", name, typ)
	if constraints != "" {
		g.p("Constraints: smithy.Constraints{%s},", constraints)
	}
	if s.Enum != nil {
		g.p("Enum: []string{%s},", quoted(s.Enum))
	}
	if t := shapeTraits(name, s); t != "" {
		g.p("%s,", t)
	}
	if kids := s.children(); len(kids) > 0 && !s.Document {
		g.p("Members: []smithy.Member{")
		for _, m := range kids {
			g.p("{%s},", g.memberFields(s, m, cyclic[m.Name]))
		}
		g.p("},")
	}
	g.p("}\n")
	return nil
}

// shapeTraits are the fields of a schema that few have.
func shapeTraits(name string, s *shape) string {
	var f []string
	if s.Exception {
		f = append(f, fmt.Sprintf("Error: %q, Status: %d", errorCode(name, s), errorStatus(s)))
	}
	if s.TimestampFormat != "" {
		f = append(f, "Timestamp: smithy."+timestampFormats[s.TimestampFormat])
	}
	if s.EventStream || s.Streaming {
		f = append(f, "Streaming: true")
	}
	for _, b := range []struct {
		set  bool
		name string
	}{{s.Sensitive, "Sensitive"}, {s.Flattened, "Flattened"}, {s.Sparse, "Sparse"}} {
		if b.set {
			f = append(f, b.name+": true")
		}
	}
	return strings.Join(f, ", ")
}

func (g *generator) memberFields(s *shape, m *member, cyclic bool) string {
	wire := m.Name
	if m.LocationName != "" && m.Location == "" {
		wire = m.LocationName
	}
	f := []string{fmt.Sprintf("Name: %q, WireName: %q", m.Name, wire)}
	if !cyclic {
		f = append(f, "Schema: &schema"+g.idents[m.Shape])
	}
	if slices.Contains(s.Required, m.Name) {
		f = append(f, "Required: true")
	}
	if loc := g.location(s, m); loc != "" {
		f = append(f, "Location: smithy."+loc)
		if m.Location != "" && m.LocationName != "" {
			f = append(f, fmt.Sprintf("LocationName: %q", m.LocationName))
		}
	}
	if m.TimestampFormat != "" {
		f = append(f, "Timestamp: smithy."+timestampFormats[m.TimestampFormat])
	}
	for _, b := range []struct {
		set  bool
		name string
	}{
		{m.IdempotencyToken, "IdempotencyToken"},
		{m.Flattened, "Flattened"},
		{m.XMLAttribute, "XMLAttribute"},
		{m.HostLabel, "HostLabel"},
		{m.JSONValue && m.Location == "header", "JSONValue"},
	} {
		if b.set {
			f = append(f, b.name+": true")
		}
	}
	if ns := m.XMLNamespace; ns != nil {
		f = append(f, fmt.Sprintf("Namespace: &smithy.Namespace{Prefix: %q, URI: %q}", ns.Prefix, ns.URI))
	}
	return strings.Join(f, ", ")
}

// location is the smithy.Location of a member, "" for the body.
func (g *generator) location(s *shape, m *member) string {
	switch m.Location {
	case "uri":
		return "Label"
	case "querystring":
		if g.m.Shapes[m.Shape].Type == "map" {
			return "QueryParams"
		}
		return "Query"
	case "header":
		return "Header"
	case "headers":
		return "PrefixHeaders"
	case "statusCode":
		return "StatusCode"
	}
	switch {
	case m.EventHeader:
		return "EventHeader"
	case m.EventPayload:
		return "EventPayload"
	case s.Payload != "" && s.Payload == m.Name:
		return "Payload"
	}
	return ""
}

var timestampFormats = map[string]string{
	"iso8601": "DateTime", "unixTimestamp": "EpochSeconds", "rfc822": "HTTPDate",
}

func schemaType(s *shape) (string, error) {
	switch s.Type {
	case "structure":
		switch {
		case s.Document:
			return "Document", nil
		case s.Union || s.EventStream:
			return "Union", nil
		}
		return "Structure", nil
	case "string":
		if s.Enum != nil {
			return "Enum", nil
		}
		return "String", nil
	case "list", "map", "integer", "long", "float", "double", "boolean", "blob", "timestamp":
		return strings.ToUpper(s.Type[:1]) + s.Type[1:], nil
	}
	return "", fmt.Errorf("unknown type %q", s.Type)
}

// constraints returns the fields of a smithy.Constraints. Bounds are addresses of
// variables that numbers collects.
func (g *generator) constraints(s *shape, numbers map[string]string) (string, error) {
	var f []string
	for _, b := range []struct {
		bound         *json.Number
		length, value string
	}{{s.Min, "MinLength", "Min"}, {s.Max, "MaxLength", "Max"}} {
		if b.bound == nil {
			continue
		}
		switch s.Type {
		case "integer", "long", "float", "double":
			f = append(f, b.value+": &"+number(numbers, "float64", *b.bound))
		case "string", "list", "map", "blob":
			f = append(f, b.length+": &"+number(numbers, "int64", *b.bound))
		}
	}
	if s.Pattern != "" {
		t, err := translate(s.Pattern)
		if err != nil {
			return "", err
		}
		p := "Expr: " + raw(s.Pattern)
		if t.all != nil {
			p += ", All: []string{" + quoted(t.all) + "}"
		}
		if t.none != nil {
			p += ", None: []string{" + quoted(t.none) + "}"
		}
		f = append(f, "Pattern: &smithy.Pattern{"+p+"}")
	}
	return strings.Join(f, ", "), nil
}

// number returns the name of the variable that holds n.
func number(numbers map[string]string, typ string, n json.Number) string {
	name := typ[:1] + strings.NewReplacer("-", "m", ".", "p", "+", "").Replace(n.String())
	numbers[name] = fmt.Sprintf("%s %s = %s", name, typ, n)
	return name
}

func (g *generator) numbers(numbers map[string]string) {
	if len(numbers) == 0 {
		return
	}
	var decls []string
	for _, d := range numbers {
		decls = append(decls, d)
	}
	slices.Sort(decls)
	g.p("// Bounds, for schemas to point to.")
	g.p("var (")
	for _, d := range decls {
		g.p("%s", d)
	}
	g.p(")\n")
}

// raw quotes s, in backquotes where that can be read.
func raw(s string) string {
	if strconv.CanBackquote(s) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}

func quoted(values []string) string {
	var out []string
	for _, v := range values {
		out = append(out, raw(v))
	}
	return strings.Join(out, ", ")
}
