package arch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/safetensors"
)

// Bounds of what a configuration may ask for, well above any BERT.
const (
	maxHidden    = 1 << 14
	maxInner     = 1 << 16
	maxLayers    = 1 << 8
	maxPositions = 1 << 17
	maxWords     = 1 << 21
	maxLabels    = 1 << 12
)

// BertConfig is the part of a BERT's config.json that the graph needs.
type BertConfig struct {
	Architectures []string          `json:"architectures"`
	ModelType     string            `json:"model_type"`
	Hidden        int               `json:"hidden_size"`
	Layers        int               `json:"num_hidden_layers"`
	Heads         int               `json:"num_attention_heads"`
	Inner         int               `json:"intermediate_size"`
	Positions     int               `json:"max_position_embeddings"`
	TypeWords     int               `json:"type_vocab_size"`
	Words         int               `json:"vocab_size"`
	Epsilon       float64           `json:"layer_norm_eps"`
	Activation    string            `json:"hidden_act"`
	PositionType  string            `json:"position_embedding_type"`
	Labels        map[string]string `json:"id2label"`
}

// ParseBertConfig reads and checks a config.json.
func ParseBertConfig(text []byte) (*BertConfig, error) {
	c := &BertConfig{Epsilon: 1e-12, Activation: "gelu", TypeWords: 2, PositionType: "absolute"}
	if err := json.Unmarshal(text, c); err != nil {
		return nil, err
	}
	return c, c.validate()
}

func (c *BertConfig) validate() error {
	if c.ModelType != "bert" {
		return fmt.Errorf("the model type %.40q is not one that is implemented: bert is", c.ModelType)
	}
	var problems []error
	in := func(name string, n, limit int) {
		if n < 1 || n > limit {
			problems = append(problems, fmt.Errorf("%s is %d: 1 to %d can be used", name, n, limit))
		}
	}
	in("hidden_size", c.Hidden, maxHidden)
	in("num_hidden_layers", c.Layers, maxLayers)
	in("num_attention_heads", c.Heads, maxHidden)
	in("intermediate_size", c.Inner, maxInner)
	in("max_position_embeddings", c.Positions, maxPositions)
	in("type_vocab_size", c.TypeWords, 16)
	in("vocab_size", c.Words, maxWords)
	if len(c.Labels) > maxLabels {
		problems = append(problems, fmt.Errorf("%d labels", len(c.Labels)))
	}
	if c.Heads > 0 && c.Hidden%c.Heads != 0 {
		problems = append(problems, fmt.Errorf("hidden_size %d is no multiple of %d heads", c.Hidden, c.Heads))
	}
	if !(c.Epsilon >= 0 && c.Epsilon < 1) {
		problems = append(problems, fmt.Errorf("layer_norm_eps is %v", c.Epsilon))
	}
	if c.PositionType != "absolute" {
		problems = append(problems, fmt.Errorf("position_embedding_type %.40q is not implemented: absolute is", c.PositionType))
	}
	if _, err := activation(c.Activation); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// Classifies reports whether the model ends in a classifier, as rerankers do.
func (c *BertConfig) Classifies() bool {
	return slices.Contains(c.Architectures, "BertForSequenceClassification")
}

// activation returns the function between the two halves of a feed-forward.
func activation(name string) (func(*kernel.Compute, []float32), error) {
	switch name {
	case "gelu":
		return (*kernel.Compute).GELU, nil
	case "gelu_new", "gelu_fast", "gelu_pytorch_tanh":
		return (*kernel.Compute).GELUTanh, nil
	case "relu":
		return func(_ *kernel.Compute, x []float32) {
			for i, v := range x {
				x[i] = max(v, 0)
			}
		}, nil
	}
	return nil, fmt.Errorf("hidden_act %.40q is not implemented: gelu, gelu_new and relu are", name)
}

// Bert is the encoder of BERT, MiniLM, BGE and E5: embeddings of words, positions and
// types, and layers of attention and feed-forward, each normalised after its residual.
type Bert struct {
	BertConfig
	compute  *kernel.Compute
	activate func(*kernel.Compute, []float32)

	words     *safetensors.Tensor // stays in its file: only the rows of a text are read
	positions []float32
	types     []float32
	embedNorm norm
	layers    []bertLayer
	pooler    linear // with a classifier only
	classify  linear
}

type bertLayer struct {
	query, key, value, out linear
	attentionNorm          norm
	up, down               linear
	norm                   norm
}

// LoadBert packs the weights of a model. The word embeddings stay in set, which must
// remain open for as long as the model is used.
func LoadBert(c *BertConfig, set *safetensors.Set, compute *kernel.Compute) (*Bert, error) {
	l := &loader{set: set, compute: compute}
	if set.Tensor("bert.embeddings.word_embeddings.weight") != nil {
		l.prefix = "bert."
	}
	b := &Bert{BertConfig: *c, compute: compute}
	var err error
	if b.activate, err = activation(c.Activation); err != nil {
		return nil, err
	}
	b.words = l.tensor("embeddings.word_embeddings.weight", c.Words, c.Hidden)
	b.positions = l.floats("embeddings.position_embeddings.weight", c.Positions, c.Hidden)
	b.types = l.floats("embeddings.token_type_embeddings.weight", c.TypeWords, c.Hidden)
	b.embedNorm = l.norm("embeddings.LayerNorm", c.Hidden)
	for i := range c.Layers {
		if l.err != nil {
			break
		}
		b.layers = append(b.layers, l.bertLayer("encoder.layer."+strconv.Itoa(i)+".", c))
	}
	if c.Classifies() {
		b.pooler = l.linear("pooler.dense", c.Hidden, c.Hidden)
		l.prefix = ""
		b.classify = l.linear("classifier", max(len(c.Labels), 1), c.Hidden)
	}
	return b, l.err
}

func (l *loader) bertLayer(at string, c *BertConfig) bertLayer {
	return bertLayer{
		query:         l.linear(at+"attention.self.query", c.Hidden, c.Hidden),
		key:           l.linear(at+"attention.self.key", c.Hidden, c.Hidden),
		value:         l.linear(at+"attention.self.value", c.Hidden, c.Hidden),
		out:           l.linear(at+"attention.output.dense", c.Hidden, c.Hidden),
		attentionNorm: l.norm(at+"attention.output.LayerNorm", c.Hidden),
		up:            l.linear(at+"intermediate.dense", c.Inner, c.Hidden),
		down:          l.linear(at+"output.dense", c.Hidden, c.Inner),
		norm:          l.norm(at+"output.LayerNorm", c.Hidden),
	}
}

// Sequence is one text as the model reads it.
type Sequence struct {
	IDs   []int32
	Types []int32 // nil: all 0
}

// BertMemory is the working memory of a forward pass. The zero value is ready, and
// grows to what the largest pass needs. It belongs to one pass at a time.
type BertMemory struct {
	hidden, query, key, value, mixed, inner []float32
	input                                   kernel.Input // of the products that share it
	sequences                               []kernel.Sequence
}

// Forward runs the sequences through the model and returns their hidden states: a row
// for each token, those of all sequences one after the other, without padding. The
// result belongs to m and is good until its next pass. Every sequence has at least one
// token and at most Positions.
func (b *Bert) Forward(ctx context.Context, batch []Sequence, m *BertMemory) ([]float32, error) {
	rows := 0
	m.sequences = m.sequences[:0]
	for _, s := range batch {
		if len(s.IDs) == 0 || len(s.IDs) > b.Positions {
			return nil, fmt.Errorf("a sequence of %d tokens: 1 to %d can be read", len(s.IDs), b.Positions)
		}
		rows += len(s.IDs)
		m.sequences = append(m.sequences, kernel.Sequence{Queries: len(s.IDs), Keys: len(s.IDs)})
	}
	m.grow(rows, b.Hidden, b.Inner)
	if err := b.embed(m.hidden, batch); err != nil {
		return nil, err
	}
	b.compute.LayerNorm(m.hidden, m.hidden, b.embedNorm.weight, b.embedNorm.bias, float32(b.Epsilon))
	for i := range b.layers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := b.layer(&b.layers[i], m); err != nil {
			return nil, fmt.Errorf("layer %d: %w", i, err)
		}
	}
	return m.hidden, nil
}

func (m *BertMemory) grow(rows, hidden, inner int) {
	for _, x := range []*[]float32{&m.hidden, &m.query, &m.key, &m.value, &m.mixed} {
		*x = slices.Grow((*x)[:0], rows*hidden)[:rows*hidden]
	}
	m.inner = slices.Grow(m.inner[:0], rows*inner)[:rows*inner]
}

// embed sets each row to the sum of its token's three embeddings.
func (b *Bert) embed(dst []float32, batch []Sequence) error {
	h, row := b.Hidden, 0
	for _, s := range batch {
		for i, id := range s.IDs {
			x := dst[row*h:][:h]
			row++
			if id < 0 || int(id) >= b.Words {
				return fmt.Errorf("token %d of a vocabulary of %d", id, b.Words)
			}
			if err := b.words.Read(x, int(id)*h); err != nil {
				return err
			}
			typed := int32(0)
			if s.Types != nil {
				typed = s.Types[i]
			}
			if typed < 0 || int(typed) >= b.TypeWords {
				return fmt.Errorf("token type %d of %d", typed, b.TypeWords)
			}
			position, kind := b.positions[i*h:][:h], b.types[int(typed)*h:][:h]
			for k := range x {
				x[k] += position[k] + kind[k]
			}
		}
	}
	return nil
}

// layer computes one layer on m.hidden, in place.
func (b *Bert) layer(l *bertLayer, m *BertMemory) error {
	c, eps := b.compute, float32(b.Epsilon)
	size := b.Hidden / b.Heads
	err := errors.Join(
		m.input.Set(m.hidden, b.Hidden),
		c.Multiply(&m.input,
			kernel.Product{Dst: m.query, W: l.query.w, Bias: l.query.bias},
			kernel.Product{Dst: m.key, W: l.key.w, Bias: l.key.bias},
			kernel.Product{Dst: m.value, W: l.value.w, Bias: l.value.bias}),
		c.Attend(m.mixed, m.query, m.key, m.value, m.sequences,
			kernel.Attention{Heads: b.Heads, HeadDim: size, Scale: float32(1 / math.Sqrt(float64(size)))}),
		c.MatMul(m.query, m.mixed, l.out.w, l.out.bias),
	)
	if err != nil {
		return err
	}
	c.AddLayerNorm(m.hidden, m.query, l.attentionNorm.weight, l.attentionNorm.bias, eps)
	if err := c.MatMul(m.inner, m.hidden, l.up.w, l.up.bias); err != nil {
		return err
	}
	b.activate(c, m.inner)
	if err := c.MatMul(m.query, m.inner, l.down.w, l.down.bias); err != nil {
		return err
	}
	c.AddLayerNorm(m.hidden, m.query, l.norm.weight, l.norm.bias, eps)
	return nil
}

// Classify returns the classifier's values for the sequence whose first hidden state
// is given: one per label.
func (b *Bert) Classify(first []float32) ([]float32, error) {
	if b.classify.w == nil {
		return nil, errors.New("the model has no classifier")
	}
	pooled := make([]float32, b.Hidden)
	if err := b.compute.MatMul(pooled, first, b.pooler.w, b.pooler.bias); err != nil {
		return nil, err
	}
	for i, v := range pooled {
		pooled[i] = float32(math.Tanh(float64(v)))
	}
	labels := make([]float32, b.classify.w.Rows())
	return labels, b.compute.MatMul(labels, pooled, b.classify.w, b.classify.bias)
}
