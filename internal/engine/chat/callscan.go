package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// callScan reads one call: an object with the tool's name and its arguments, in either
// order, or within a member "function" as in OpenAI's form.
type callScan struct {
	scan  scan
	base  int             // depth of the members that matter
	known map[string]bool // tools that may be called
	// strict: members that calls do not have end the reading at once. Set where an
	// answer in JSON would look like a call for long.
	strict bool
	// direct: the object is the arguments; the name is known from elsewhere.
	direct bool

	member  string          // being read at the base
	token   strings.Builder // the string being read at the base, as JSON
	part    callPart
	name    string // empty: not read yet
	input   strings.Builder
	inputIs inputState
}

// callPart says what the value being read is.
type callPart uint8

const (
	partOther callPart = iota
	partName
	partInput
	partInputText // the arguments as a string with JSON inside
)

// inputState says how far the arguments are read.
type inputState uint8

const (
	inputNone inputState = iota
	inputOpen
	inputWhole
)

// maxHeld bounds what is held back of a call before it is known to be one.
const maxHeld = 1 << 20

// feed takes one byte.
func (c *callScan) feed(b byte) error {
	before, depth := c.scan.state, len(c.scan.stack)
	out, err := c.scan.feed(b)
	if err != nil {
		return err
	}
	if c.direct {
		c.input.WriteString(out)
		if c.done() {
			c.inputIs = inputWhole
		}
		return nil
	}
	if depth == 0 && c.base == 0 && len(c.scan.stack) == 1 {
		c.base = 1
		return nil
	}
	atBase := depth == c.base
	switch {
	case atBase && (before == wantKey || before == wantFirstKey) && c.scan.state == inString:
		c.token.Reset()
		c.token.WriteString(out)
		return nil
	case atBase && before == inString && c.scan.key:
		c.token.WriteString(out)
		if c.scan.state == wantColon {
			return c.setMember()
		}
		return c.tooLong()
	case atBase && before == wantValue && !isJSONSpace(b):
		return c.beginValue(b, out)
	case c.part != partOther:
		return c.value(out)
	}
	return nil
}

// done reports whether the call is whole.
func (c *callScan) done() bool { return c.scan.state == scanDone }

func (c *callScan) tooLong() error {
	if c.token.Len() > maxHeld || c.name == "" && c.input.Len() > maxHeld {
		return fmt.Errorf("a call's beginning of more than %d bytes", maxHeld)
	}
	return nil
}

func (c *callScan) setMember() error {
	if err := json.Unmarshal([]byte(c.token.String()), &c.member); err != nil {
		return err
	}
	switch c.member {
	case "name", "arguments", "parameters", "type", "function", "id":
		return nil
	}
	if c.strict {
		return fmt.Errorf("calls have no member %q", c.member)
	}
	return nil
}

// beginValue takes the first byte of a member's value.
func (c *callScan) beginValue(b byte, out string) error {
	c.part = partOther
	switch c.member {
	case "name", "function":
		if c.member == "function" && b == '{' && c.base == 1 {
			c.base = 2
			return nil
		}
		if b != '"' {
			return errors.New("a call's name is no string")
		}
		if c.name != "" {
			return errors.New("a call with two names")
		}
		c.part = partName
		c.token.Reset()
	case "arguments", "parameters":
		return c.beginInput(b, out)
	default:
		return nil
	}
	return c.value(out)
}

func (c *callScan) beginInput(b byte, out string) error {
	if c.inputIs != inputNone {
		return errors.New("a call with arguments twice")
	}
	switch b {
	case '{':
		c.part, c.inputIs = partInput, inputOpen
	case '"':
		c.part, c.inputIs = partInputText, inputOpen
		c.token.Reset()
	case 'n': // null
		c.inputIs = inputWhole
		c.input.WriteString("{}")
		return nil
	default:
		return errors.New("a call's arguments are no object")
	}
	return c.value(out)
}

// value takes more of a member's value.
func (c *callScan) value(out string) error {
	ended := len(c.scan.stack) == c.base && c.scan.state == wantComma || c.done()
	switch c.part {
	case partName:
		c.token.WriteString(out)
		if ended {
			return c.setName()
		}
	case partInput:
		c.input.WriteString(out)
		if ended {
			c.inputIs, c.part = inputWhole, partOther
		}
	case partInputText:
		c.token.WriteString(out)
		if ended {
			return c.setInputText()
		}
	case partOther:
		return nil
	}
	return c.tooLong()
}

func (c *callScan) setName() error {
	c.part = partOther
	if err := json.Unmarshal([]byte(c.token.String()), &c.name); err != nil {
		return err
	}
	if !c.known[c.name] {
		return fmt.Errorf("there is no tool %q", c.name)
	}
	return nil
}

func (c *callScan) setInputText() error {
	c.part = partOther
	var text string
	if err := json.Unmarshal([]byte(c.token.String()), &text); err != nil {
		return err
	}
	if text = strings.TrimSpace(text); text == "" {
		text = "{}"
	}
	if !strings.HasPrefix(text, "{") || !json.Valid([]byte(text)) {
		return errors.New("a call's arguments are a text that is no JSON object")
	}
	c.inputIs = inputWhole
	c.input.WriteString(text)
	return nil
}

// started reports whether the call can be told of: its name is known and its
// arguments come as they are written.
func (c *callScan) started() bool {
	return c.name != "" && (c.inputIs == inputWhole || c.inputIs == inputOpen && (c.direct || c.part == partInput))
}

// take returns the arguments read since the last time.
func (c *callScan) take() string {
	out := c.input.String()
	c.input.Reset()
	return out
}
