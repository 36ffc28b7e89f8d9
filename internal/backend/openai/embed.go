package openai

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/outcrop-ai/outcrop/internal/backend/estimate"
	"github.com/outcrop-ai/outcrop/internal/backend/upstream"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

type embedRequest struct {
	Model          string   `json:"model"`
	Input          []string `json:"input"`
	Dimensions     int      `json:"dimensions,omitempty"`
	EncodingFormat string   `json:"encoding_format"`
}

type embedResponse struct {
	Data []struct {
		Index     *int            `json:"index"`
		Embedding json.RawMessage `json:"embedding"`
	} `json:"data"`
	Usage struct {
		PromptTokens int `json:"prompt_tokens"`
	} `json:"usage"`
}

// Embed implements llm.Embedder by POST /embeddings.
func (b *Backend) Embed(ctx context.Context, req *llm.EmbedRequest) (*llm.EmbedResponse, error) {
	out := &llm.EmbedResponse{Served: llm.Served{Backend: b.name, Model: req.Model, Fidelity: llm.Real}}
	if len(req.Texts) == 0 {
		return out, nil
	}
	body, err := json.Marshal(embedRequest{Model: req.Model, Input: req.Texts, Dimensions: req.Dimensions, EncodingFormat: "float"})
	if err != nil {
		return nil, err
	}
	data, err := b.exchange(ctx, &upstream.Request{URL: b.embeddings, Body: body, Model: req.Model})
	if err != nil {
		return nil, err
	}
	var answer embedResponse
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fault.Wrap(fault.ModelError, err, "The model's provider sent embeddings that are not valid JSON.")
	}
	if out.Vectors, err = vectors(&answer, len(req.Texts)); err != nil {
		return nil, fault.Wrap(fault.ModelError, err, "The model's provider sent embeddings that do not match the texts.")
	}
	if req.Normalize {
		for _, v := range out.Vectors {
			normalize(v)
		}
	}
	if out.InputTokens = answer.Usage.PromptTokens; out.InputTokens == 0 {
		for _, t := range req.Texts {
			out.InputTokens += estimate.Text(t)
		}
	}
	return out, nil
}

// exchange sends a request and reads the whole answer.
func (b *Backend) exchange(ctx context.Context, r *upstream.Request) ([]byte, error) {
	resp, err := b.client.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	defer resp.Close()
	return resp.ReadAll()
}

// vectors puts the embeddings in the order of the texts, and checks that each text
// has one and that all have the same length.
func vectors(answer *embedResponse, n int) ([][]float32, error) {
	if len(answer.Data) != n {
		return nil, fmt.Errorf("%d embeddings for %d texts", len(answer.Data), n)
	}
	out := make([][]float32, n)
	for i := range answer.Data {
		at := i
		if p := answer.Data[i].Index; p != nil {
			at = *p
		}
		if at < 0 || at >= n || out[at] != nil {
			return nil, fmt.Errorf("embedding %d has the index %d", i, at)
		}
		v, err := vector(answer.Data[i].Embedding)
		if err != nil {
			return nil, fmt.Errorf("embedding %d: %w", i, err)
		}
		out[at] = v
	}
	for i, v := range out {
		if len(v) != len(out[0]) {
			return nil, fmt.Errorf("embedding %d has %d dimensions, the first %d", i, len(v), len(out[0]))
		}
	}
	return out, nil
}

// vector reads a list of numbers, or the base64 of little-endian floats that some
// servers send whatever they are asked for.
func vector(raw json.RawMessage) ([]float32, error) {
	var v []float32
	var packed string
	if json.Unmarshal(raw, &packed) == nil {
		data, err := base64.StdEncoding.DecodeString(packed)
		if err != nil || len(data)%4 != 0 {
			return nil, errors.New("broken base64")
		}
		v = make([]float32, len(data)/4)
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
			if x := float64(v[i]); math.IsNaN(x) || math.IsInf(x, 0) {
				return nil, errors.New("not a finite number")
			}
		}
	} else if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	if len(v) == 0 {
		return nil, errors.New("no dimensions")
	}
	return v, nil
}

// normalize scales v to unit length; the zero vector stays.
func normalize(v []float32) {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		return
	}
	scale := float32(1 / math.Sqrt(sum))
	for i := range v {
		v[i] *= scale
	}
}
