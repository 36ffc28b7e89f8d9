// Package jinja renders the chat templates that models bring along.
//
// It is the part of the Jinja language that such templates use, with the meaning it
// has in Python's jinja2 under the settings of Hugging Face's transformers: blocks
// are trimmed and left-stripped, loop controls are on, tojson keeps the order of keys
// and letters beyond ASCII. Where the two differ on what this package supports it is
// a defect; the tests compare them.
//
// It is not a general template engine: no inheritance, no includes, no autoescape.
// What is missing is an error with its line, never something left out in silence.
// Meant differences: integers have 64 bits; filters that give a generator there give a
// list here, so that it can be printed; safe marks nothing, for nothing is escaped;
// lists that a template makes itself have append and pop, as templates in use expect
// though the reference's sandbox refuses them.
//
// Templates come from files that nobody vouches for. A Render does a bounded number
// of steps and makes a bounded amount of text; it reads no files and no clock but
// the one it is given. Templates are immutable and safe for concurrent use.
//
// Strings remember where they come from. A text that the template itself holds has
// source 0; values handed in carry the number that the caller gave them, through
// concatenation, slicing, methods and filters. So the caller can tell from a
// rendered prompt which parts are its user's words: in those, what looks like a
// control token is none. Where an operation cannot keep the parts apart, the whole
// result counts as coming from outside, with the highest source that took part.
package jinja

import (
	"fmt"
	"time"
)

// Segment is a piece of rendered text from one source.
type Segment struct {
	Text   string
	Source int32 // 0: the template; else as given with the value
}

// Options are what a rendering may do. The zero value has sensible limits.
type Options struct {
	// Now is what strftime_now tells. Nil: the function is not defined.
	Now func() time.Time
	// Steps bounds the work; zero means 5 million.
	Steps int
	// Bytes bounds the text made, intermediate results included; zero means 512 MiB.
	Bytes int
}

// Error is a fault in a template, or one that it raised.
type Error struct {
	Line    int // from 1
	Message string
	Raised  bool // by the template's own raise_exception
}

// Error returns the message with its line.
func (e *Error) Error() string { return fmt.Sprintf("template line %d: %s", e.Line, e.Message) }
