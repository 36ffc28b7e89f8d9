package smithy

import "fmt"

// NotImplementedError is the error of an operation that nothing implements. The
// generated Unimplemented types return it. It is not retryable.
type NotImplementedError struct {
	Service   string // as in Service.Name
	Operation string
}

func (e *NotImplementedError) Error() string {
	return fmt.Sprintf("%s %s is not implemented", e.Service, e.Operation)
}

// TypeError says that a value of another shape was expected: a mistake of the
// program, not of a client.
type TypeError struct {
	Want string // the shape's name
}

func (e *TypeError) Error() string { return "not a " + e.Want }
