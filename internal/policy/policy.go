// Package policy reads IAM policy documents and decides what they allow.
//
// It holds the language only: documents, patterns, conditions, and the rule that nothing
// is allowed unless a statement allows it and no statement denies it. It does no I/O and
// knows no users, roles or services. Which documents apply to a principal, and what is in
// a request's context, is for its callers to say.
//
// Documents are compiled when they are parsed; a Document never changes afterwards, so
// any number of goroutines may evaluate it. Everything in it comes from outside: parsing
// is bounded in size, and matching takes at most the product of the lengths of pattern
// and text.
//
// Where AWS describes the language: "IAM JSON policy elements reference" in the IAM User
// Guide, and its pages on the condition operators and on policy variables.
package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Effect is what a statement, or a decision, comes to.
type Effect uint8

// The effects. NoEffect is a decision for which no statement matched: an implicit deny.
const (
	NoEffect Effect = iota
	Allow
	Deny
)

// String returns the effect in words.
func (e Effect) String() string {
	switch e {
	case Allow:
		return "allow"
	case Deny:
		return "explicit deny"
	default:
		return "implicit deny"
	}
}

// Document is a parsed and compiled policy. The zero value has no statements.
type Document struct {
	Version    string // "2012-10-17" or "2008-10-17"; the latter knows no variables
	ID         string
	Statements []*Statement
}

// Statement is one statement of a document.
type Statement struct {
	Sid    string // may be empty
	Effect Effect

	actions     actionSet
	resources   resourceSet
	conditions  []condition
	description string // "statement 2 (AllowClaude)"
}

// Request is what is asked.
type Request struct {
	Action   string // "bedrock:InvokeModel"
	Resource string // an ARN, or "*" for an action that has no resource

	// Context holds the values of condition keys, "aws:username" and so on. The names'
	// case does not matter. A key with no values is the same as an absent one.
	Context map[string][]string
}

// Policy is a document under the name it is attached by.
type Policy struct {
	Name     string
	Document *Document
}

// Decision is the outcome, and what decided it.
type Decision struct {
	Effect    Effect
	Policy    string     // the name of the deciding policy; empty when no statement matched
	Statement *Statement // the deciding statement; nil when no statement matched
}

// Allowed reports whether the request may go on.
func (d Decision) Allowed() bool { return d.Effect == Allow }

// String explains the decision in one line.
func (d Decision) String() string {
	if d.Statement == nil {
		return "implicit deny: no statement matches"
	}
	return fmt.Sprintf("%s by %s of policy %q", d.Effect, d.Statement.description, d.Policy)
}

// Evaluate decides a request. A statement that denies wins over any that allow;
// otherwise the first that allows is named. Nil documents count as empty.
func Evaluate(req Request, policies ...Policy) Decision {
	var best Decision
	e := newEvaluation(req)
	for _, p := range policies {
		if p.Document == nil {
			continue
		}
		for _, s := range p.Document.Statements {
			if s.Effect == best.Effect || !s.matches(e) { // another allow would change nothing
				continue
			}
			best = Decision{Effect: s.Effect, Policy: p.Name, Statement: s}
			if s.Effect == Deny {
				return best
			}
		}
	}
	return best
}

func (s *Statement) matches(e *evaluation) bool {
	return s.actions.matches(e) && s.resources.matches(e) &&
		!slices.ContainsFunc(s.conditions, func(c condition) bool { return !c.holds(e) })
}

// evaluation is one request being decided.
type evaluation struct {
	action   string // lowercase: actions are compared without regard to case
	resource string
	context  map[string][]string
}

func newEvaluation(req Request) *evaluation {
	return &evaluation{action: strings.ToLower(req.Action), resource: req.Resource, context: req.Context}
}

// values returns what the context has for a condition key, whose case does not matter.
func (e *evaluation) values(key string) []string {
	if v, ok := e.context[key]; ok {
		return v
	}
	for k, v := range e.context {
		if strings.EqualFold(k, key) {
			return v
		}
	}
	return nil
}

// value returns what a policy variable stands for: the only value of its key.
func (e *evaluation) value(key string) (string, bool) {
	if v := e.values(key); len(v) == 1 {
		return v[0], true
	}
	return "", false
}
