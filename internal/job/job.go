package job

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// State is where a job stands. The package comment draws the ways between states.
type State string

// The states.
const (
	Queued    State = "queued"
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Finished reports whether the state is final.
func (s State) Finished() bool { return s == Succeeded || s == Failed || s == Cancelled }

// Bounds of what is stored in one row.
const (
	MaxPayload    = 256 << 10 // bytes; larger input belongs in an object that the payload names
	MaxCheckpoint = 1 << 20   // bytes
	maxAccount    = 64        // bytes
	maxKey        = 256       // bytes
	maxText       = 2 << 10   // bytes of an error or a message; longer ones are cut
	maxDelay      = 366 * 24 * time.Hour
)

// Job is one job as the database has it.
type Job struct {
	ID       string
	Account  string
	Kind     string
	Key      string // empty: none
	Priority int

	State           State
	CancelRequested bool // of a running job: it is being stopped

	// Both are nil when empty, and not filled in by List. The last checkpoint is kept when
	// the job is finished, so it can be the job's result.
	Payload    []byte
	Checkpoint []byte

	// Attempt counts the attempts since the last new checkpoint, with the one that runs.
	Attempt  int
	Turn     int64 // how often the job was claimed
	Progress Progress
	Error    string // what the last failed attempt said; for operators, not for clients

	Created  time.Time
	Due      time.Time // of a queued job: when it may run
	Started  time.Time // when it was last claimed; zero: never
	Finished time.Time // zero: not finished
}

// Progress is how far a job has come, in units of the kind's choice.
type Progress struct {
	Done, Total int64 // Total is 0 while unknown
	Message     string
}

// Spec is a job to enqueue.
type Spec struct {
	Account string // required: whose it is
	Kind    string // required; it need not be registered in this process
	Payload []byte // what the kind's Run gets; at most MaxPayload bytes

	// Key makes enqueueing idempotent: as long as a job of the account and kind with this
	// key is known (also finished, until it is forgotten), it is returned instead of a new
	// one. Empty means a new job each time.
	Key       string
	Priority  int       // higher runs first; default 0
	NotBefore time.Time // zero: now; at most a year ahead
}

var kindFormat = regexp.MustCompile(`^[a-z][a-z0-9.-]{0,62}$`)

func (s Spec) validate(now time.Time) error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if s.Account == "" || len(s.Account) > maxAccount || !storable(s.Account) {
		bad("the account must be 1 to %d bytes of text", maxAccount)
	}
	if !kindFormat.MatchString(s.Kind) {
		bad("the kind %.80q is not a short name in lower case", s.Kind)
	}
	if len(s.Payload) > MaxPayload {
		bad("the payload has %d bytes, at most %d are allowed", len(s.Payload), MaxPayload)
	}
	if len(s.Key) > maxKey || !storable(s.Key) {
		bad("the key must be at most %d bytes of text", maxKey)
	}
	if s.Priority < -1000 || s.Priority > 1000 {
		bad("the priority %d is not between -1000 and 1000", s.Priority)
	}
	if s.NotBefore.After(now.Add(maxDelay)) {
		bad("the job would start more than a year from now")
	}
	if err := errors.Join(problems...); err != nil {
		return fault.Errorf(fault.Invalid, "job: %w", err)
	}
	return nil
}

// storable reports whether PostgreSQL takes s as text.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// clip makes any text fit to be stored: valid, without NUL, at most maxText bytes.
func clip(s string) string {
	s = s[:min(len(s), maxText)]
	s = strings.ToValidUTF8(s, "")
	return strings.ReplaceAll(s, "\x00", "")
}
