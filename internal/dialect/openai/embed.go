package openai

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"strconv"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// maxInputs is the most texts that one embeddings request may hold, as OpenAI has it.
const maxInputs = 2048

// EmbedRequest is an embeddings request as a door receives it.
type EmbedRequest struct {
	Embed *llm.EmbedRequest
	// Base64: the client wants vectors as base64 of little-endian floats, which
	// OpenAI's own clients ask for.
	Base64 bool
}

// DecodeEmbedRequest reads the body of an embeddings request. Errors are of kind
// Invalid and name the parameter (see ParamError).
func DecodeEmbedRequest(body []byte) (*EmbedRequest, error) {
	var w struct {
		Model      string          `json:"model"`
		Input      json.RawMessage `json:"input"`
		Dimensions *int            `json:"dimensions"`
		Format     string          `json:"encoding_format"`
	}
	if err := json.Unmarshal(body, &w); err != nil {
		return nil, decodeError(err)
	}
	req := &llm.EmbedRequest{Model: w.Model, Normalize: true} // OpenAI's vectors have length 1
	switch {
	case bytes.Equal(bytes.TrimSpace(body), []byte("null")):
		return nil, &ParamError{Fault: fault.Errorf(fault.Invalid, "We could not parse the JSON body of your request: it is not an object.")}
	case w.Model == "":
		return nil, invalid("model", "You must provide a model parameter.")
	case w.Format != "" && w.Format != "float" && w.Format != "base64":
		return nil, invalid("encoding_format", "Invalid value: '%s'. Supported values are: 'float' and 'base64'.", w.Format)
	case w.Dimensions != nil && *w.Dimensions < 1:
		return nil, invalid("dimensions", "Invalid value: %d. It must be at least 1.", *w.Dimensions)
	case w.Dimensions != nil:
		req.Dimensions = *w.Dimensions
	}
	var err error
	req.Texts, err = inputs(w.Input)
	return &EmbedRequest{Embed: req, Base64: w.Format == "base64"}, err
}

// inputs reads a text or a list of texts. Lists of tokens belong to a vocabulary that
// the model here does not have.
func inputs(raw json.RawMessage) ([]string, error) {
	var one string
	var many []string
	switch {
	case !given(raw):
		return nil, invalid("input", "You must provide an input parameter.")
	case json.Unmarshal(raw, &one) == nil:
		many = []string{one}
	case json.Unmarshal(raw, &many) != nil:
		return nil, invalid("input", "Invalid type for 'input': a text or a list of texts is supported here, lists of tokens are not.")
	}
	if len(many) == 0 || len(many) > maxInputs {
		return nil, invalid("input", "Invalid 'input': %d texts. There must be 1 to %d.", len(many), maxInputs)
	}
	for i, s := range many {
		if s == "" {
			return nil, invalid("input", "Invalid 'input[%d]': it must not be empty.", i)
		}
	}
	return many, nil
}

// AppendEmbeddings appends the answer to an embeddings request for model, as the client
// named it. Numbers that JSON does not have become 0.
func AppendEmbeddings(dst []byte, req *EmbedRequest, resp *llm.EmbedResponse) []byte {
	dst = append(dst, `{"object":"list","data":[`...)
	for i, v := range resp.Vectors {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"object":"embedding","index":`...)
		dst = strconv.AppendInt(dst, int64(i), 10)
		dst = append(dst, `,"embedding":`...)
		dst = appendVector(dst, v, req.Base64)
		dst = append(dst, '}')
	}
	dst = append(dst, `],"model":`...)
	dst = appendString(dst, req.Embed.Model)
	dst = append(dst, `,"usage":{"prompt_tokens":`...)
	dst = strconv.AppendInt(dst, int64(resp.InputTokens), 10)
	dst = append(dst, `,"total_tokens":`...)
	dst = strconv.AppendInt(dst, int64(resp.InputTokens), 10)
	return append(dst, "}}"...)
}

func appendVector(dst []byte, v []float32, packed bool) []byte {
	if packed {
		raw := make([]byte, 0, 4*len(v))
		for _, x := range v {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, raw)
		return append(dst, '"')
	}
	dst = append(dst, '[')
	for i, x := range v {
		if i > 0 {
			dst = append(dst, ',')
		}
		if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
			x = 0
		}
		dst = strconv.AppendFloat(dst, float64(x), 'g', -1, 32)
	}
	return append(dst, ']')
}
