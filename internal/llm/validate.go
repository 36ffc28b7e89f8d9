package llm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// Validate reports what no model could make sense of, whatever door req came
// through: no messages, tool results without their calls and calls without their
// results, tools that cannot be told apart, a forced tool that isn't there, media
// that are not what they say. The error is of kind Invalid, in Bedrock's words where
// they are known.
//
// Rules of one door alone (Converse's alternating roles, its limits) are the
// dialect's; what one model cannot do is its backend's.
func Validate(req *ChatRequest) error {
	if len(req.Messages) == 0 {
		return invalid("messages: at least one message is required")
	}
	if err := validateSystem(req.System); err != nil {
		return err
	}
	if err := validateTurns(req.Messages); err != nil {
		return err
	}
	for i, m := range req.Messages {
		for j, b := range m.Content {
			if err := validateBlock(place{turn: i, block: j, inner: -1}, b); err != nil {
				return err
			}
		}
	}
	return validateTools(req)
}

func invalid(format string, args ...any) error { return fault.Errorf(fault.Invalid, format, args...) }

func validateSystem(blocks []Block) error {
	for i, b := range blocks {
		switch b.(type) {
		case *Text, *Guard, *CachePoint:
		default:
			return invalid("system.%d: a system prompt cannot hold this kind of content", i)
		}
	}
	return nil
}

// validateTurns checks that each call of a tool has its result in the next turn, and
// each result its call in the turn before. System messages are no turns.
func validateTurns(messages []Message) error {
	var pending []string // calls of the turn before
	for i, m := range messages {
		switch m.Role {
		case System:
			continue
		case User, Assistant:
		default:
			return invalid("messages.%d.role: %q is not a role", i, m.Role)
		}
		calls, results, err := toolBlocks(i, m)
		if err != nil {
			return err
		}
		if len(results) > len(pending) {
			return invalid("The number of toolResult blocks at messages.%d.content exceeds the number of toolUse blocks of previous turn.", i)
		}
		if missing := without(pending, results); missing != nil {
			return missingResults(i, missing)
		}
		pending = calls
	}
	if len(pending) > 0 {
		return missingResults(len(messages), pending)
	}
	return nil
}

func missingResults(turn int, ids []string) error {
	return invalid("Expected toolResult blocks at messages.%d.content for the following Ids: %s", turn, strings.Join(ids, ", "))
}

// toolBlocks returns the IDs of a turn's calls and results. Those of a provider's own
// tools stand together in the model's turn and are nobody else's concern.
func toolBlocks(turn int, m Message) (calls, results []string, err error) {
	for j, b := range m.Content {
		switch b := b.(type) {
		case *ToolUse:
			if m.Role != Assistant {
				return nil, nil, invalid("messages.%d.content.%d: only the assistant can use a tool", turn, j)
			}
			if !b.Server {
				calls = append(calls, b.ID)
			}
		case *ToolResult:
			if b.Type == "" {
				results = append(results, b.ToolUseID)
			}
		}
	}
	if ids := duplicates(calls); len(ids) > 0 {
		return nil, nil, invalid("The toolUse blocks at messages.%d.content contain duplicate Ids: %s", turn, strings.Join(ids, ", "))
	}
	if ids := duplicates(results); len(ids) > 0 {
		return nil, nil, invalid("The toolResult blocks at messages.%d.content contain duplicate Ids: %s", turn, strings.Join(ids, ", "))
	}
	return calls, results, nil
}

// without returns the elements of a that are not in b.
func without(a, b []string) []string {
	known := make(map[string]bool, len(b))
	for _, s := range b {
		known[s] = true
	}
	var rest []string
	for _, s := range a {
		if !known[s] {
			rest = append(rest, s)
		}
	}
	return rest
}

// duplicates returns the elements that occur again, each once.
func duplicates(list []string) []string {
	if len(list) < 2 {
		return nil
	}
	times := make(map[string]int, len(list))
	var again []string
	for _, s := range list {
		if times[s]++; times[s] == 2 {
			again = append(again, s)
		}
	}
	return again
}

// place is where a block stands; a path is made of it only when something is wrong.
type place struct {
	turn, block int
	inner       int // inside a tool result, else -1
}

func (p place) String() string {
	if p.inner >= 0 {
		return fmt.Sprintf("messages.%d.content.%d.toolResult.content.%d", p.turn, p.block, p.inner)
	}
	return fmt.Sprintf("messages.%d.content.%d", p.turn, p.block)
}

func validateBlock(at place, b Block) error {
	switch b := b.(type) {
	case nil:
		return invalid("%s: the block is empty", at)
	case *Image:
		return validateImage(at, "image", b)
	case *Guard:
		if b.Image != nil {
			return validateImage(at, "guardContent.image", b.Image)
		}
	case *Document:
		if sources := count(b.Source.count() > 0, b.Text != "", len(b.Content) > 0); sources > 1 || b.Source.count() > 1 {
			return invalid("%s.document.source: exactly one source must be given", at)
		}
	case *Video:
		return validateSource(at, "video", b.Source)
	case *Audio:
		return validateSource(at, "audio", b.Source)
	case *ToolUse:
		switch {
		case b.ID == "" || b.Name == "":
			return invalid("%s.toolUse: a tool use needs an ID and a name", at)
		case !json.Valid(b.Input):
			return invalid("%s.toolUse.input: the input is not valid JSON", at)
		}
	case *ToolResult:
		for i, inner := range b.Content {
			if _, nested := inner.(*ToolResult); nested {
				return invalid("%s.toolResult.content.%d: a tool result cannot hold another", at, i)
			}
			if err := validateBlock(place{turn: at.turn, block: at.block, inner: i}, inner); err != nil {
				return err
			}
		}
	case *JSON:
		if !json.Valid(b.Value) {
			return invalid("%s.json: the value is not valid JSON", at)
		}
	}
	return nil
}

func (s Source) count() int { return count(s.Bytes != nil, s.S3 != nil, s.URL != "") }

func count(conditions ...bool) int {
	n := 0
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}

func validateSource(at place, medium string, s Source) error {
	if s.count() != 1 {
		return invalid("%s.%s.source: exactly one source must be given", at, medium)
	}
	return nil
}

func validateImage(at place, member string, b *Image) error {
	if err := validateSource(at, member, b.Source); err != nil {
		return err
	}
	if b.Source.Bytes == nil {
		return nil
	}
	if is := ImageFormat(b.Source.Bytes); is != "" && is != b.Format {
		return invalid("%s.%s.source.bytes: The image was specified using the image/%s media type, but the image appears to be a image/%s image",
			at, member, b.Format, is)
	}
	return nil
}

// ImageFormat returns the format that the first bytes of a picture tell, or "" when
// they tell none that models take.
func ImageFormat(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return "png"
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return "jpeg"
	case bytes.HasPrefix(data, []byte("GIF87a")), bytes.HasPrefix(data, []byte("GIF89a")):
		return "gif"
	case len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP":
		return "webp"
	}
	return ""
}

// validateTools checks names only: a schema is for the model to understand.
func validateTools(req *ChatRequest) error {
	names := make([]string, len(req.Tools))
	for i, t := range req.Tools {
		names[i] = t.Name
	}
	if again := duplicates(names); len(again) > 0 {
		return invalid("tools: Tool names must be unique. Repeated: %s", strings.Join(again, ", "))
	}
	if bytes.Contains(req.Extra, []byte(`"tools"`)) {
		return nil // more tools, in a form of the provider's own
	}
	switch choice := req.ToolChoice; choice.Mode {
	case ToolAny, ToolNamed:
		if len(names) == 0 {
			return invalid("toolChoice: a tool can only be chosen while providing tools")
		}
		if choice.Mode == ToolNamed && !slices.Contains(names, choice.Name) {
			return invalid("toolChoice: Tool '%s' not found in provided tools", choice.Name)
		}
	case ToolDefault, ToolAuto, ToolNone:
	default:
		return invalid("toolChoice: %q is not a mode", choice.Mode)
	}
	return nil
}
