// Package openai converts between Outcrop's vocabulary and OpenAI's chat
// completions, in both directions and for both sides.
//
// As an upstream's dialect, AppendRequest writes a request body and
// DecodeResponse and StreamDecoder read answers: of OpenAI and of the many servers
// that follow it with quirks of their own (vLLM, llama.cpp, Ollama, LM Studio,
// LiteLLM …). As a door's dialect, DecodeRequest reads what a client of OpenAI
// sends, and AppendResponse, StreamEncoder and EncodeError write what it expects.
//
// The package does no I/O. What it reads comes from outside: it takes any bytes
// and answers with an error, never a panic, and is lenient where servers differ
// (a member of an unexpected type counts as absent) but not where an answer would
// be wrong. What chat completions cannot express is an error of kind Invalid that
// names it, with these exceptions, which only tune and are left out: cache points,
// guard qualifiers, a document's wish to be cited, and request metadata.
//
// What the dialect has no place for is rendered: documents become text, pictures
// in a tool's result move to the user message after it, and a failed tool's result
// starts with "Error:".
package openai

// Dialect is the name of this dialect in llm.RawRequest and llm.RawEvent.
const Dialect = "openai"

// RawChunk is the llm.RawEvent.Name of a stream's chunks, which have no name on
// the wire: an empty one would mean a whole body.
const RawChunk = "chunk"
