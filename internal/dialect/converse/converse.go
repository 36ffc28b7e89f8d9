// Package converse converts between the shapes of Bedrock's Converse, ConverseStream
// and CountTokens and package llm, in both directions.
//
//	door:     FromRequest, FromStreamRequest, FromTokensRequest -> llm.ChatRequest
//	          llm answers -> ToResponse, ToStream
//	backend:  llm.ChatRequest -> ToRequest, ToStreamRequest, ToTokensRequest
//	          FromResponse, FromStream -> llm answers
//
// Nothing is dropped in silence: what the other side has no word for is a
// *fault.Error that names it, of kind Invalid in requests and ModelError in answers.
// What is changed without loss of meaning: a cache point between two tools moves
// behind the last one; a tool result without a status has succeeded; the pieces of a
// cited text are joined; in a stream a cited text without citations is a text.
//
// The conversion does not judge the conversation: Validate has Converse's own rules,
// llm.Validate those of every door. It copies no media: blocks share their bytes with
// the shapes they were made from, and none may be changed afterwards.
package converse

import (
	"strconv"

	gen "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// serverToolUse is the type of the call of a tool that the provider runs itself. The
// caller's own have none, or "tool_use", as some answers of the service do.
const serverToolUse = "server_tool_use"

// path names a place in a request as Bedrock's errors do: messages.0.content.1.
type path string

func (p path) key(k string) path { return p + "." + path(k) }

func (p path) index(i int) path { return p.key(strconv.Itoa(i)) }

func invalid(format string, args ...any) error {
	return fault.Errorf(fault.Invalid, format, args...)
}

// missing is the error of a union without a member.
func (p path) missing() error {
	return invalid("%s: the block is empty; set exactly one of its members", p)
}

// no is the error of something that the other side has no word for.
func (p path) no(what string) error { return invalid("%s: %s is not supported", p, what) }

func (p path) url() error { return p.no("a source given as a URL") }

// under puts a place before the message of an error that starts with one. Paths are
// put together from the inside, so that a good request pays for none.
func under(p path, err error) error {
	return invalid("%s.%s", p, err)
}

// modelFault is the error of an answer that cannot be read, or that Converse has no
// shape for.
func modelFault(format string, args ...any) error {
	return fault.Errorf(fault.ModelError, format, args...)
}

// value returns what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func cachePoint(ttl string) *gen.CachePointBlock {
	return &gen.CachePointBlock{Type: gen.CachePointTypeDefault, TTL: gen.CacheTTL(ttl)}
}
