package policy

import (
	"fmt"
	"slices"
	"strings"
)

// condition is one key under one operator: {"StringLike": {"aws:username": ["a*", "b"]}}.
type condition struct {
	key      string
	set      quantifier
	ifExists bool
	negated  bool
	null     bool      // the Null operator
	absent   bool      // Null: the key must be absent (true) or present (false)
	values   []matcher // any of them
}

// quantifier is how an operator treats a key of several values.
type quantifier uint8

const (
	plain  quantifier = iota // any value for a positive operator, no value for a negated one
	forAny                   // ForAnyValue: some value of the request passes
	forAll                   // ForAllValues: every value of the request passes; none is fine
)

// matcher compares one value of the request with one value of the policy.
type matcher interface {
	match(value string, e *evaluation) bool
}

// holds decides the condition.
func (c condition) holds(e *evaluation) bool {
	have := e.values(c.key)
	if c.null {
		return c.absent == (len(have) == 0)
	}
	if len(have) == 0 {
		switch {
		case c.ifExists || c.set == forAll:
			return true
		case c.set == forAny:
			return false
		}
		return c.negated
	}
	passes := func(v string) bool {
		return c.negated != slices.ContainsFunc(c.values, func(m matcher) bool { return m.match(v, e) })
	}
	if c.set == forAll || c.set == plain && c.negated {
		return !slices.ContainsFunc(have, func(v string) bool { return !passes(v) })
	}
	return slices.ContainsFunc(have, passes)
}

// compileCondition compiles the values of one key. operator is as written, with its
// prefix and suffix.
func compileCondition(operator, key string, values []string, variables bool) (condition, error) {
	c := condition{key: key}
	name := operator
	if rest, ok := strings.CutPrefix(name, "ForAnyValue:"); ok {
		c.set, name = forAny, rest
	} else if rest, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		c.set, name = forAll, rest
	}
	if rest, ok := strings.CutSuffix(name, "IfExists"); ok {
		c.ifExists, name = true, rest
	}
	if key == "" {
		return c, fmt.Errorf("%s has an empty condition key", operator)
	}
	if name == "Null" {
		return compileNull(c, operator, values)
	}
	op, ok := lookupOperator(name)
	if !ok {
		return c, fmt.Errorf("invalid condition operator: %s", clip(operator))
	}
	c.negated = op.negated
	for _, v := range values {
		m, err := op.compile(v, variables)
		if err != nil {
			return c, fmt.Errorf("%s of %s: %w", operator, key, err)
		}
		c.values = append(c.values, m)
	}
	return c, nil
}

func compileNull(c condition, operator string, values []string) (condition, error) {
	if c.ifExists {
		return c, fmt.Errorf("invalid condition operator: %s", operator)
	}
	if len(values) != 1 || values[0] != "true" && values[0] != "false" {
		return c, fmt.Errorf("%s of %s: give one value, true or false", operator, c.key)
	}
	c.null, c.absent = true, values[0] == "true"
	return c, nil
}

// operator is one comparison.
type operator struct {
	negated bool
	compile func(value string, variables bool) (matcher, error)
}

// lookupOperator returns the operator of a name without prefix or suffix.
func lookupOperator(name string) (operator, bool) {
	switch name {
	case "StringEquals":
		return operator{compile: compileStringEquals}, true
	case "StringNotEquals":
		return operator{true, compileStringEquals}, true
	case "StringEqualsIgnoreCase":
		return operator{compile: compileStringFold}, true
	case "StringNotEqualsIgnoreCase":
		return operator{true, compileStringFold}, true
	case "StringLike":
		return operator{compile: compileStringLike}, true
	case "StringNotLike":
		return operator{true, compileStringLike}, true
	case "ArnEquals", "ArnLike":
		return operator{compile: compileArnLike}, true
	case "ArnNotEquals", "ArnNotLike":
		return operator{true, compileArnLike}, true
	case "Bool":
		return operator{compile: compileBool}, true
	case "BinaryEquals":
		return operator{compile: compileBinary}, true
	case "IpAddress":
		return operator{compile: compileIP}, true
	case "NotIpAddress":
		return operator{true, compileIP}, true
	}
	if rest, ok := strings.CutPrefix(name, "Numeric"); ok {
		return orderOperator(rest, compileNumber)
	}
	if rest, ok := strings.CutPrefix(name, "Date"); ok {
		return orderOperator(rest, compileDate)
	}
	return operator{}, false
}

// orderOperator returns the operator that compares by order: what is left of a name
// after Numeric or Date.
func orderOperator(relation string, compile func(string, func(int) bool) (matcher, error)) (operator, bool) {
	var accept func(int) bool
	negated := false
	switch relation {
	case "Equals":
		accept = func(c int) bool { return c == 0 }
	case "NotEquals":
		accept, negated = func(c int) bool { return c == 0 }, true
	case "LessThan":
		accept = func(c int) bool { return c < 0 }
	case "LessThanEquals":
		accept = func(c int) bool { return c <= 0 }
	case "GreaterThan":
		accept = func(c int) bool { return c > 0 }
	case "GreaterThanEquals":
		accept = func(c int) bool { return c >= 0 }
	default:
		return operator{}, false
	}
	return operator{negated, func(v string, _ bool) (matcher, error) { return compile(v, accept) }}, true
}
