package smithy

import "strings"

// SerializationError says that a request is not in the form its protocol wants:
// broken syntax, a value of the wrong type, a number out of range. Readers return
// it; protocols report it as a SerializationException.
type SerializationError struct {
	Path    string // of the value: "messages[0].content"; empty for the whole
	Message string // what is wrong with it, for the client
}

// maxPath bounds a path, which a hostile request makes as long as it likes: its
// outer part is kept.
const maxPath = 300

// Error returns the message and where it applies.
func (e *SerializationError) Error() string {
	if e.Path == "" {
		return e.Message
	}
	return e.Message + " at " + e.Path
}

// In puts e below the member or element (as "[0]") named step, and returns e.
// Readers call it on the way out of a structure.
func (e *SerializationError) In(step string) *SerializationError {
	switch {
	case e.Path == "":
		e.Path = step
	case strings.HasPrefix(e.Path, "["):
		e.Path = step + e.Path
	default:
		e.Path = step + "." + e.Path
	}
	if len(e.Path) > maxPath {
		e.Path = strings.ToValidUTF8(e.Path[:maxPath], "") + "…"
	}
	return e
}
