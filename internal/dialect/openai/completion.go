package openai

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// completion is what Outcrop reads of a chat completion or of one chunk of a
// stream: the two have the same form, but for the name of the message.
type completion struct {
	id       string
	tier     string
	choices  int // how many the list held
	message  piece
	finish   string
	sequence string // vLLM's stop_reason, when it is a stop sequence
	usage    llm.Usage
	hasUsage bool
	problem  []byte // the member "error", when it is not null
}

// piece is a whole message or what a chunk adds to it. It is reused: reset keeps
// the room for calls.
type piece struct {
	content   string
	refusal   string
	reasoning string
	audio     bool
	calls     []callPiece
}

// callPiece is a tool call or a fragment of one.
type callPiece struct {
	index     int // -1 when the server gave none
	id, name  string
	arguments string
}

func (c *completion) reset() {
	calls := c.message.calls[:0]
	*c = completion{}
	c.message.calls = calls
}

// ProviderError is an error that the provider sent in place of an answer, or in
// the middle of one. Body is its text: a JSON object that holds "error".
type ProviderError struct{ Body []byte }

func (e *ProviderError) Error() string { return "the provider sent an error: " + string(e.Body) }

// read fills c from one JSON text.
func (c *completion) read(data []byte) error {
	c.reset()
	s := &scanner{data: data}
	if s.peek() != '{' {
		return errSyntax
	}
	s.open('{')
	for {
		key, ok := s.key()
		if !ok {
			break
		}
		switch string(key) {
		case "id":
			c.id, _ = s.text()
		case "choices":
			c.readChoices(s)
		case "usage":
			c.readUsage(s)
		case "service_tier":
			c.tier, _ = s.text()
		case "error":
			raw := s.raw()
			if !bytes.Equal(raw, []byte("null")) {
				c.problem = raw
			}
		default:
			s.skip()
		}
	}
	s.end()
	if err := s.err(); err != nil {
		return err
	}
	if c.problem != nil {
		return &ProviderError{Body: bytes.Clone(data)}
	}
	return nil
}

// readChoices reads the first choice; Outcrop never asks for more.
func (c *completion) readChoices(s *scanner) {
	if !s.open('[') {
		return
	}
	for s.elem() {
		c.choices++
		if c.choices > 1 {
			s.skip()
			continue
		}
		c.readChoice(s)
	}
}

func (c *completion) readChoice(s *scanner) {
	if !s.open('{') {
		return
	}
	for {
		key, ok := s.key()
		if !ok {
			return
		}
		switch string(key) {
		case "delta", "message":
			c.message.read(s)
		case "text": // a legacy completion's
			c.message.content, _ = s.text()
		case "finish_reason":
			c.finish, _ = s.text()
		case "stop_reason":
			c.sequence, _ = s.text()
		default:
			s.skip()
		}
	}
}

func (p *piece) read(s *scanner) {
	if !s.open('{') {
		return
	}
	for {
		key, ok := s.key()
		if !ok {
			return
		}
		switch string(key) {
		case "content":
			p.readContent(s)
		case "reasoning_content", "reasoning":
			// Servers in transition send both, with the same text.
			if text, ok := s.text(); ok && p.reasoning == "" {
				p.reasoning = text
			}
		case "refusal":
			p.refusal, _ = s.text()
		case "tool_calls":
			p.readCalls(s)
		case "function_call": // before there were tools
			if call, ok := readFunction(s, callPiece{index: 0}); ok {
				p.calls = append(p.calls, call)
			}
		case "audio":
			p.audio = s.present()
		default:
			s.skip()
		}
	}
}

// readContent reads a string, or the parts in which some servers send it.
func (p *piece) readContent(s *scanner) {
	if s.peek() != '[' {
		p.content, _ = s.text()
		return
	}
	s.open('[')
	for s.elem() {
		p.readPart(s)
	}
}

// readPart reads {"type": "text", "text": …}, and {"type": "thinking",
// "thinking": [parts]}, which is how Mistral's models think.
func (p *piece) readPart(s *scanner) {
	if !s.open('{') {
		return
	}
	for {
		key, ok := s.key()
		if !ok {
			return
		}
		switch string(key) {
		case "text":
			text, _ := s.text()
			p.content += text
		case "refusal":
			text, _ := s.text()
			p.refusal += text
		case "thinking":
			p.readThinking(s)
		default:
			s.skip()
		}
	}
}

func (p *piece) readThinking(s *scanner) {
	if s.peek() != '[' {
		text, _ := s.text()
		p.reasoning += text
		return
	}
	var inner piece
	s.open('[')
	for s.elem() {
		if s.peek() != '{' {
			s.skip()
			continue
		}
		s.open('{')
		for {
			key, ok := s.key()
			if !ok {
				break
			}
			if string(key) != "text" {
				s.skip()
				continue
			}
			text, _ := s.text()
			inner.content += text
		}
	}
	p.reasoning += inner.content
}

func (p *piece) readCalls(s *scanner) {
	if !s.open('[') {
		return
	}
	for s.elem() {
		if call, ok := readCall(s); ok {
			p.calls = append(p.calls, call)
		}
	}
}

func readCall(s *scanner) (callPiece, bool) {
	call := callPiece{index: -1}
	if !s.open('{') {
		return call, false
	}
	found := false
	for {
		key, ok := s.key()
		if !ok {
			return call, found
		}
		switch string(key) {
		case "index":
			if n, ok := s.count(); ok {
				call.index = n
			}
		case "id":
			call.id, _ = s.text()
		case "function":
			if call, ok = readFunction(s, call); ok {
				found = true
			}
		default:
			s.skip()
		}
	}
}

// readFunction reads a function's name and arguments into call. Some servers send
// the arguments as an object instead of as its text.
func readFunction(s *scanner, call callPiece) (callPiece, bool) {
	if !s.open('{') {
		return call, false
	}
	for {
		key, ok := s.key()
		if !ok {
			return call, true
		}
		switch string(key) {
		case "name":
			call.name, _ = s.text()
		case "arguments":
			if s.peek() == '{' || s.peek() == '[' {
				call.arguments = string(s.raw())
			} else {
				call.arguments, _ = s.text()
			}
		default:
			s.skip()
		}
	}
}

// readUsage reads token counts. The prompt's count includes what was read from the
// cache and llm.Usage's does not.
func (c *completion) readUsage(s *scanner) {
	if !s.open('{') {
		return
	}
	var prompt, output, total, reasoning, cached, hit, written int
	for {
		key, ok := s.key()
		if !ok {
			break
		}
		switch string(key) {
		case "prompt_tokens":
			prompt, _ = s.count()
		case "completion_tokens":
			output, _ = s.count()
		case "total_tokens":
			total, _ = s.count()
		case "prompt_cache_hit_tokens", "cache_read_input_tokens": // DeepSeek, LiteLLM
			hit, _ = s.count()
		case "cache_creation_input_tokens": // LiteLLM in front of Anthropic
			written, _ = s.count()
		case "prompt_tokens_details":
			cached = s.member("cached_tokens")
		case "completion_tokens_details":
			reasoning = s.member("reasoning_tokens")
		default:
			s.skip()
		}
	}
	if reasoning > 0 && total == prompt+output+reasoning {
		output += reasoning // xAI counts thinking apart; it is output and billed as that
	}
	if cached == 0 {
		cached = hit
	}
	cached = min(cached, prompt)
	written = min(written, prompt-cached)
	c.hasUsage = true
	c.usage = llm.Usage{
		InputTokens:      prompt - cached - written,
		OutputTokens:     output,
		CacheReadTokens:  cached,
		CacheWriteTokens: written,
	}
}

// member reads an object and returns one count of it.
func (s *scanner) member(name string) (n int) {
	if !s.open('{') {
		return 0
	}
	for {
		key, ok := s.key()
		if !ok {
			return n
		}
		if string(key) == name {
			n, _ = s.count()
		} else {
			s.skip()
		}
	}
}

// stopReason turns a finish reason into Converse's word. Servers often say "stop"
// after tool calls, so these decide.
func stopReason(finish, sequence string, calls int, malformed bool) (llm.StopReason, error) {
	switch finish {
	case "length", "max_tokens":
		return llm.MaxTokens, nil
	case "content_filter":
		return llm.ContentFiltered, nil
	case "error", "abort", "insufficient_system_resource":
		return "", fmt.Errorf("the provider ended its answer with %q", finish)
	}
	switch {
	case malformed:
		return llm.MalformedToolUse, nil
	case calls > 0:
		return llm.StopToolUse, nil
	case sequence != "":
		return llm.StopSequence, nil
	}
	return llm.EndTurn, nil
}

// maxID is the length of a tool use ID in Bedrock's API.
const maxID = 64

// callID returns an ID that Bedrock's clients can send back: letters, digits, "_"
// and "-". Servers that give none get one made up.
func callID(id string) string {
	if id == "" {
		return "call_" + rand.Text()
	}
	valid := func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}
	if len(id) > maxID { // the end tells calls apart
		id = id[len(id)-maxID:]
	}
	return strings.Map(valid, id)
}
