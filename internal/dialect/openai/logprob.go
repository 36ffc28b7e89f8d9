package openai

import (
	"strconv"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// maxTopLogprobs is how many alternatives OpenAI allows to ask for.
const maxTopLogprobs = 20

// logprobs reads logprobs and top_logprobs.
func (w *wireRequest) logprobs() (*int, error) {
	wanted := w.LogProbs != nil && *w.LogProbs
	switch {
	case w.TopLogProbs == nil && !wanted:
		return nil, nil //nolint:nilnil // not asked for
	case w.TopLogProbs == nil:
		return new(int), nil
	case *w.TopLogProbs < 0 || *w.TopLogProbs > maxTopLogprobs:
		return nil, invalid("top_logprobs", "Invalid 'top_logprobs': expected an integer between 0 and %d, got %d.", maxTopLogprobs, *w.TopLogProbs)
	case !wanted && *w.TopLogProbs > 0:
		return nil, invalid("top_logprobs", "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.")
	case !wanted:
		return nil, nil //nolint:nilnil // not asked for
	}
	return w.TopLogProbs, nil
}

// appendLogprobs appends the member "logprobs" of a choice.
func appendLogprobs(dst []byte, list []llm.Logprob) []byte {
	dst = appendKey(dst, "logprobs")
	if len(list) == 0 {
		return append(dst, "null"...)
	}
	dst = append(dst, `{"content":[`...)
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendAlternative(dst, llm.Alternative{Token: list[i].Token, Logprob: list[i].Logprob})
		dst = append(dst, `,"top_logprobs":[`...)
		for k, a := range list[i].Top {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendAlternative(dst, a), '}')
		}
		dst = append(dst, "]}"...)
	}
	return append(dst, `],"refusal":null}`...)
}

// appendAlternative appends an object for a token, still open. Bytes that are no text
// of their own show in bytes.
func appendAlternative(dst []byte, a llm.Alternative) []byte {
	dst = append(dst, '{')
	text := a.Token
	if !utf8.ValidString(text) {
		text = string([]rune(text)) // U+FFFD for what is broken
	}
	dst = appendMember(dst, "token", text)
	dst = appendFloat(appendKey(dst, "logprob"), a.Logprob)
	dst = append(appendKey(dst, "bytes"), '[')
	for i := range len(a.Token) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, uint64(a.Token[i]), 10)
	}
	return append(dst, ']')
}
