package jinja

import (
	"errors"
	"fmt"
	"unicode"
)

// testFunc is a test: what stands after "is".
type testFunc func(m *machine, in Value, a *callArgs) (bool, error)

// testNamed returns a test; nil when there is none of that name.
func testNamed(name string) testFunc {
	if is := kindTest(name); is != nil {
		return func(_ *machine, in Value, a *callArgs) (bool, error) {
			_, err := a.bind()
			return is(in), err
		}
	}
	if op := comparisonTest(name); op != "" {
		return func(m *machine, in Value, a *callArgs) (bool, error) {
			args, err := a.bind("other")
			if err != nil {
				return false, err
			}
			if args[0] == nil {
				return false, errors.New("the test needs a value to compare with")
			}
			return m.compare(op, in, args[0])
		}
	}
	switch name {
	case "odd", "even", "divisibleby":
		return func(m *machine, in Value, a *callArgs) (bool, error) { return divisible(m, name, in, a) }
	case "lower", "upper":
		return func(m *machine, in Value, a *callArgs) (bool, error) {
			if _, err := a.bind(); err != nil {
				return false, err
			}
			t, err := m.str(in)
			if err != nil {
				return false, err
			}
			is, isNot := unicode.IsLower, unicode.IsUpper
			if name == "upper" {
				is, isNot = isNot, is
			}
			v, err := cased(is, isNot)(m, t, a)
			return err == nil && truth(v), err
		}
	case "sameas":
		return sameTest
	case "filter":
		return func(_ *machine, in Value, _ *callArgs) (bool, error) {
			t, ok := in.(text)
			return ok && filterNamed(t.s) != nil, nil
		}
	case "test":
		return func(_ *machine, in Value, _ *callArgs) (bool, error) {
			t, ok := in.(text)
			return ok && (kindTest(t.s) != nil || comparisonTest(t.s) != ""), nil
		}
	}
	return nil
}

// kindTest returns a test of what a value is.
func kindTest(name string) func(v Value) bool {
	switch name {
	case "defined":
		return func(v Value) bool { return !is[undefined](v) }
	case "undefined":
		return is[undefined]
	case "none":
		return is[none]
	case "boolean":
		return is[boolean]
	case "true":
		return func(v Value) bool { return v == boolean(true) }
	case "false":
		return func(v Value) bool { return v == boolean(false) }
	case "integer":
		return func(v Value) bool {
			f, isFloat := v.(float)
			return is[integer](v) || isFloat && f.literal != ""
		}
	case "float":
		return func(v Value) bool {
			f, isFloat := v.(float)
			return isFloat && f.literal == ""
		}
	case "number":
		return func(v Value) bool { return is[integer](v) || is[float](v) || is[boolean](v) }
	case "string":
		return is[text]
	case "mapping":
		return is[*Dict]
	case "sequence", "iterable":
		return func(v Value) bool { return is[text](v) || is[*list](v) || is[*Dict](v) || is[undefined](v) }
	case "callable":
		return func(v Value) bool { return is[*function](v) || is[*macro](v) || is[*loop](v) }
	case "escaped":
		return func(Value) bool { return false }
	}
	return nil
}

func is[T Value](v Value) bool {
	_, ok := v.(T)
	return ok
}

// comparisonTest returns the operator that a test stands for.
func comparisonTest(name string) string {
	switch name {
	case "==", "eq", "equalto":
		return "=="
	case "!=", "ne":
		return "!="
	case "<", "lt", "lessthan":
		return "<"
	case "<=", "le":
		return "<="
	case ">", "gt", "greaterthan":
		return ">"
	case ">=", "ge":
		return ">="
	case "in":
		return "in"
	}
	return ""
}

func divisible(m *machine, name string, in Value, a *callArgs) (bool, error) {
	var by Value = integer(2)
	if name == "divisibleby" {
		args, err := a.bind("num")
		if err != nil {
			return false, err
		}
		if args[0] == nil {
			return false, errors.New("the test needs a number")
		}
		by = args[0]
	} else if _, err := a.bind(); err != nil {
		return false, err
	}
	if is[text](in) {
		return false, fmt.Errorf("the test takes a number, not %s", in.typeName())
	}
	rest, err := m.binary("%", in, by)
	if err != nil {
		return false, err
	}
	want := 0
	if name == "odd" {
		want = 1
	}
	return m.equal(rest, integer(want), 0)
}

// sameTest is identity, as far as values that cannot change can tell.
func sameTest(m *machine, in Value, a *callArgs) (bool, error) {
	args, err := a.bind("other")
	if err != nil || args[0] == nil {
		return false, errors.New("the test needs a value to compare with")
	}
	if in.typeName() != args[0].typeName() {
		return false, nil
	}
	switch in.(type) {
	case none, boolean, integer, text, undefined:
		return m.equal(in, args[0], 0)
	case float:
		return false, nil
	}
	return in == args[0], nil
}
