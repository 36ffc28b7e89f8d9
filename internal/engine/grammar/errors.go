package grammar

import "fmt"

// UnsupportedError says that a schema uses a keyword, or a value of one, that
// cannot be enforced while generating.
type UnsupportedError struct {
	Keyword string // e.g. "uniqueItems"
	Pointer string // JSON pointer of the keyword in the schema, e.g. "/properties/tags/uniqueItems"
	Reason  string // what would be supported; may be empty
}

// Error names the keyword, where it is and why it is refused.
func (e *UnsupportedError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("the schema keyword %q at %q is not supported", e.Keyword, e.Pointer)
	}
	return fmt.Sprintf("the schema keyword %q at %q is not supported: %s", e.Keyword, e.Pointer, e.Reason)
}

// InvalidError says that a rule or schema is malformed or that nothing satisfies it.
type InvalidError struct {
	Pointer string // JSON pointer into the schema; "" for its root and for rules
	Reason  string
}

// Error says what is wrong and where.
func (e *InvalidError) Error() string {
	if e.Pointer == "" {
		return "the schema is not usable: " + e.Reason
	}
	return fmt.Sprintf("the schema is not usable at %q: %s", e.Pointer, e.Reason)
}

// LimitError says that a rule or schema is too large to be enforced.
type LimitError struct {
	What    string // what there is too much of
	Limit   int
	Pointer string // JSON pointer into the schema, where one is known
}

// Error names the limit.
func (e *LimitError) Error() string {
	if e.Pointer == "" {
		return fmt.Sprintf("the schema is too large: more than %d %s", e.Limit, e.What)
	}
	return fmt.Sprintf("the schema is too large at %q: more than %d %s", e.Pointer, e.Limit, e.What)
}
