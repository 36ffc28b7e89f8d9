package main

import (
	"fmt"
	"slices"
	"strings"
)

// methods emits the methods that make a struct a smithy.Struct.
func (g *generator) methods(name string) {
	s, id := g.m.Shapes[name], g.idents[name]
	g.p("// Schema implements smithy.Struct.")
	g.p("func (*%s) Schema() *smithy.Schema { return &schema%s }\n", id, id)
	g.readMember(s, id)
	g.writeMembers(s, id)
	for _, m := range s.Members {
		if g.form(s, m) == stream {
			g.streamMethods(id, g.goType(m.Shape))
		}
	}
}

func (g *generator) readMember(s *shape, id string) {
	var cases []string
	needSchema := false
	for i, m := range s.Members {
		if read := g.read(s, m); read != "" {
			cases = append(cases, fmt.Sprintf("case %d:\n%s", i, read))
			needSchema = needSchema || strings.Contains(read, "(r, s, ")
		}
	}
	g.p("// ReadMember implements smithy.Struct.")
	if len(cases) == 0 {
		g.p("func (*%s) ReadMember(smithy.Reader, int) error { return nil }\n", id)
		return
	}
	g.p("func (v *%s) ReadMember(r smithy.Reader, i int) error {", id)
	if needSchema {
		g.p("s := schema%s.Members[i].Schema", id)
	}
	g.p("switch i {")
	for _, c := range cases {
		g.p("%s", c)
	}
	g.p("}")
	g.p("return nil")
	g.p("}\n")
}

// read is the code that reads a member. What a structure needs is written out, not
// a call of a generic function: that would be compiled again for each type.
func (g *generator) read(s *shape, m *member) string {
	v := "v." + g.field(m)
	dst := "&" + v
	t := g.m.Shapes[m.Shape]
	switch g.form(s, m) {
	case strct:
		return fmt.Sprintf("%s = new(%s)\nreturn r.Struct(%s)", v, g.goType(m.Shape), v)
	case pointer:
		return "return smithy.ReadOpt(r, s, " + dst + ", " + g.reader(m.Shape) + ")"
	case list:
		if g.isStruct(t.Member.Shape) {
			elem := g.goType(t.Member.Shape)
			return fmt.Sprintf("%s = []%s{}\n", v, elem) +
				"return smithy.ReadStructs(r, s, func() smithy.Struct {\n" +
				fmt.Sprintf("%s = append(%s, %s{})\nreturn &%s[len(%s)-1]\n})", v, v, elem, v, v)
		}
		return "return smithy.ReadList(r, s, " + dst + ", " + g.reader(t.Member.Shape) + ")"
	case dict:
		return "return smithy.ReadMap(r, s, " + dst + ", " + g.reader(t.Value.Shape) + ")"
	case stream:
		return "" // its events come one by one
	default:
		fn, _, _ := strings.Cut(g.reader(m.Shape), "[")
		return "return " + fn + "(r, s, " + dst + ")"
	}
}

// reader is the function that reads a value of a shape.
func (g *generator) reader(name string) string {
	s := g.m.Shapes[name]
	switch s.Type {
	case "list":
		return fmt.Sprintf("func(r smithy.Reader, s *smithy.Schema, dst *%s) error { return smithy.ReadList(r, s, dst, %s) }",
			g.goType(name), g.reader(s.Member.Shape))
	case "map":
		return fmt.Sprintf("func(r smithy.Reader, s *smithy.Schema, dst *%s) error { return smithy.ReadMap(r, s, dst, %s) }",
			g.goType(name), g.reader(s.Value.Shape))
	default:
		return "smithy.Read" + g.codec(name)
	}
}

func (g *generator) writeMembers(s *shape, id string) {
	var calls []string
	needSchema := false
	for i, m := range s.Members {
		if write := g.write(s, m, i); write != "" {
			calls = append(calls, write)
			needSchema = needSchema || strings.Contains(write, "(w, s, ")
		}
	}
	g.p("// WriteMembers implements smithy.Struct.")
	if len(calls) == 0 {
		g.p("func (*%s) WriteMembers(smithy.Writer) {}\n", id)
		return
	}
	g.p("func (v *%s) WriteMembers(w smithy.Writer) {", id)
	if needSchema {
		g.p("s := &schema%s", id)
	}
	for _, c := range calls {
		g.p("%s", c)
	}
	g.p("}\n")
}

// write is the call that writes member i.
func (g *generator) write(s *shape, m *member, i int) string {
	v := "v." + g.field(m)
	t := g.m.Shapes[m.Shape]
	switch g.form(s, m) {
	case strct:
		return fmt.Sprintf("if %s != nil {\nw.Member(%d)\nw.Struct(%s)\n}", v, i, v)
	case pointer:
		return fmt.Sprintf("smithy.WriteOpt(w, s, %d, %s, %s)", i, v, g.writer(m.Shape))
	case list:
		if g.isStruct(t.Member.Shape) {
			call := fmt.Sprintf("smithy.WriteStructs(w, s, %d, len(%s), func(i int) smithy.Struct { return &%s[i] })", i, v, v)
			if slices.Contains(s.Required, m.Name) {
				return call
			}
			return fmt.Sprintf("if %s != nil {\n%s\n}", v, call)
		}
		return fmt.Sprintf("smithy.WriteList(w, s, %d, %s, %s)", i, v, g.writer(t.Member.Shape))
	case dict:
		return fmt.Sprintf("smithy.WriteMap(w, s, %d, %s, %s)", i, v, g.writer(t.Value.Shape))
	case stream:
		return ""
	case plain:
	}
	switch t.Type {
	case "blob":
		return fmt.Sprintf("smithy.WriteBytes(w, s, %d, %s)", i, v)
	case "structure": // a document
		return fmt.Sprintf("smithy.WriteJSON(w, s, %d, %s)", i, v)
	case "timestamp":
		return fmt.Sprintf("smithy.WriteTime(w, s, %d, %s)", i, v)
	case "string":
		if t.Enum != nil {
			v = "string(" + v + ")"
		}
		return fmt.Sprintf("smithy.WriteString(w, s, %d, %s)", i, v)
	}
	return fmt.Sprintf("smithy.Write(w, s, %d, &%s, %s)", i, v, g.writer(m.Shape))
}

// writer is the function that writes a value of a shape.
func (g *generator) writer(name string) string {
	s := g.m.Shapes[name]
	switch s.Type {
	case "list":
		return fmt.Sprintf("func(w smithy.Writer, s *smithy.Schema, v *%s) { smithy.PutList(w, s, *v, %s) }",
			g.goType(name), g.writer(s.Member.Shape))
	case "map":
		return fmt.Sprintf("func(w smithy.Writer, s *smithy.Schema, v *%s) { smithy.PutMap(w, s, *v, %s) }",
			g.goType(name), g.writer(s.Value.Shape))
	default:
		return "smithy.Put" + g.codec(name)
	}
}

// codec is the end of the name of smithy's functions for a shape: ReadString and
// PutString are those of String.
func (g *generator) codec(name string) string {
	s := g.m.Shapes[name]
	switch s.Type {
	case "structure":
		if s.Document {
			return "JSON"
		}
		return "Value[" + g.goType(name) + "]"
	case "integer", "long":
		return "Int[" + g.goType(name) + "]"
	case "float", "double":
		return "Float"
	case "boolean":
		return "Bool"
	case "blob":
		return "Bytes"
	case "timestamp":
		return "Time"
	default:
		return "String[" + g.goType(name) + "]"
	}
}

// streamMethods emits what makes a struct both a source and a sink of events, so
// that one type serves servers and clients.
func (g *generator) streamMethods(id, event string) {
	g.p("// Events implements smithy.EventSource.")
	g.p("func (v *%s) Events() iter.Seq2[smithy.Struct, error] { return smithy.Events(v.Stream) }\n", id)
	g.p("// NewEvent implements smithy.EventSink.")
	g.p("func (*%s) NewEvent() smithy.Struct { return new(%s) }\n", id, event)
	g.p("// SetEvents implements smithy.EventSink.")
	g.p("func (v *%s) SetEvents(seq iter.Seq2[smithy.Struct, error]) { v.Stream = smithy.EventsOf[%s](seq) }\n", id, event)
}
