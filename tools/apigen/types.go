package main

import (
	"fmt"
	"slices"
	"strings"
)

// types emits the structs and enums.
func (g *generator) types() error {
	roles := g.roles()
	for _, name := range g.names {
		if g.isStruct(name) {
			if err := g.structType(name, roles[name]); err != nil {
				return err
			}
		}
	}
	for _, name := range g.names {
		if s := g.m.Shapes[name]; s.Type == "string" && s.Enum != nil {
			if err := g.enumType(name, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// roles says in a comment's words what each struct is for.
func (g *generator) roles() map[string]string {
	roles := map[string]string{}
	for name, users := range g.users {
		roles[name] = "is part of " + g.list(users) + "."
	}
	inputs, outputs := map[string][]string{}, map[string][]string{}
	for _, op := range g.ops {
		inputs[op.Input.Shape] = append(inputs[op.Input.Shape], op.Name)
		outputs[op.Output.Shape] = append(outputs[op.Output.Shape], op.Name)
	}
	for name, ops := range outputs {
		roles[name] = "is the output of " + strings.Join(ops, ", ") + "."
	}
	for name, ops := range inputs {
		roles[name] = "is the input of " + strings.Join(ops, ", ") + "."
	}
	for _, name := range g.names {
		if s := g.m.Shapes[name]; s.Exception {
			roles[name] = fmt.Sprintf("is error %s, HTTP status %d.", errorCode(name, s), errorStatus(s))
		}
	}
	return roles
}

// list names the structs among users, seen through lists and maps.
func (g *generator) list(users []string) string {
	const most = 4
	var out []string
	seen := map[string]bool{}
	var visit func(names []string)
	visit = func(names []string) {
		for _, n := range names {
			if seen[n] {
				continue
			}
			seen[n] = true
			if g.isStruct(n) {
				out = append(out, g.idents[n])
			} else {
				visit(g.users[n])
			}
		}
	}
	visit(users)
	slices.Sort(out)
	if len(out) > most {
		out = append(out[:most], "others")
	}
	return strings.Join(out, ", ")
}

func (g *generator) structType(name, role string) error {
	s, id := g.m.Shapes[name], g.idents[name]
	g.p("// %s %s", id, role)
	if s.Union {
		g.p("// It is a union: exactly one field is set.")
	}
	g.p("type %s struct {", id)
	fields := map[string]bool{}
	for _, m := range s.Members {
		field := g.field(m)
		if fields[field] {
			return fmt.Errorf("shape %s has two members %s in Go", name, field)
		}
		fields[field] = true
		note := ""
		if slices.Contains(s.Required, m.Name) {
			note = " // required"
		}
		g.p("%s %s%s", field, g.fieldType(s, m), note)
	}
	g.p("}\n")
	if s.Exception {
		g.errorMethod(id, errorCode(name, s), s)
	}
	return nil
}

func (g *generator) errorMethod(id, code string, s *shape) {
	for _, m := range s.Members {
		if goName(m.Name) == "Message" {
			g.p("func (v *%s) Error() string { return %q + v.Message }\n", id, code+": ")
			return
		}
	}
	g.p("func (v *%s) Error() string { return %q }\n", id, code)
}

// field is the Go name of a struct's member.
func (g *generator) field(m *member) string {
	if g.m.Shapes[m.Shape].EventStream {
		return "Stream"
	}
	name := goName(m.Name)
	if slices.Contains(methodNames, name) {
		return name + "Value"
	}
	return name
}

// methodNames are the methods of generated structs, which no field may share.
var methodNames = []string{"Schema", "ReadMember", "WriteMembers", "Error", "Events", "NewEvent", "SetEvents"}

func (g *generator) fieldType(s *shape, m *member) string {
	t := g.goType(m.Shape)
	switch g.form(s, m) {
	case pointer, strct:
		return "*" + t
	case stream:
		return "iter.Seq2[*" + t + ", error]"
	default:
		return t
	}
}

func (g *generator) enumType(name string, s *shape) error {
	id := g.idents[name]
	g.p("// %s is one of the values below.", id)
	g.p("type %s string\n", id)
	g.p("// The values of %s.", id)
	g.p("const (")
	seen := map[string]string{}
	for _, value := range s.Enum {
		c := id + enumName(value)
		if other, ok := seen[c]; ok {
			c = id + "_" + strings.Join(words(value), "_") // as it is written
			if _, ok := seen[c]; ok {
				return fmt.Errorf("values %q and %q of %s are the same in Go", value, other, name)
			}
		}
		seen[c] = value
		g.p("%s %s = %q", c, id, value)
	}
	g.p(")\n")
	return nil
}

func errorCode(name string, s *shape) string {
	if s.Error != nil && s.Error.Code != "" {
		return s.Error.Code
	}
	return name
}

func errorStatus(s *shape) int {
	switch {
	case s.Error != nil && s.Error.HTTPStatusCode != 0:
		return s.Error.HTTPStatusCode
	case s.Fault:
		return 500
	default:
		return 400
	}
}
