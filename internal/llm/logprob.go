package llm

import "github.com/outcrop-ai/outcrop/internal/fault"

// Logprob is how likely the model held a token of its answer to be.
type Logprob struct {
	Token   string  // its bytes; a rune may be spread over several tokens
	Logprob float64 // natural logarithm, before temperature and filters
	Top     []Alternative
}

// Alternative is one of the likeliest tokens at a place.
type Alternative struct {
	Token   string
	Logprob float64
}

// NoLogprobs is what a model that reports none answers to a request that asks for
// them, nil to any other.
func NoLogprobs(req *ChatRequest) error {
	if req.Logprobs == nil {
		return nil
	}
	return fault.Errorf(fault.Invalid, "The model %s reports no logprobs.", req.Model)
}
