package catalog

import (
	"slices"
	"time"
)

// Modality is a kind of content, in the control plane's words.
type Modality string

// The modalities.
const (
	Text      Modality = "TEXT"
	Image     Modality = "IMAGE"
	Speech    Modality = "SPEECH"
	Video     Modality = "VIDEO"
	Embedding Modality = "EMBEDDING"
)

// Customization is a way to train a model further.
type Customization string

// The customizations.
const (
	FineTuning           Customization = "FINE_TUNING"
	ContinuedPreTraining Customization = "CONTINUED_PRE_TRAINING"
	Distillation         Customization = "DISTILLATION"
)

// InferenceType is a way to reach a model.
type InferenceType string

// The inference types. The API model names the first two; the real service also
// lists the third for models that an inference profile holds.
const (
	OnDemand       InferenceType = "ON_DEMAND"
	Provisioned    InferenceType = "PROVISIONED"
	ThroughProfile InferenceType = "INFERENCE_PROFILE"
)

// Lifecycle is a model's place in its life.
type Lifecycle string

// The lifecycle states.
const (
	Active Lifecycle = "ACTIVE"
	Legacy Lifecycle = "LEGACY"
)

// Model is one foundation model.
type Model struct {
	ID       string
	Base     string // of a context-length variant: the model it is a variant of; else empty
	Name     string
	Provider string

	Input          []Modality
	Output         []Modality
	Streaming      bool
	Customizations []Customization
	InferenceTypes []InferenceType

	Status Lifecycle
	Start  time.Time // launch; zero when unknown
	Legacy time.Time // zero when unknown
	End    time.Time // end of life; zero when unknown

	Context    int // tokens a request and its answer may have together; zero: unknown
	MaxOutput  int // tokens; zero: unknown
	Dimensions int // an embedding model's default vector length; zero: not one, or unknown

	Price   Price
	Regions []string // where it is offered; ask Offered rather than searching here

	Own         bool // one of Outcrop's own
	UserDefined bool // from the configuration alone

	everywhere bool // offered in every configured region
	pinned     bool // the configuration lists the regions
	suffixes   []string
	profiles   map[string]profileData
}

// ARN returns the foundation-model ARN in a region. Models belong to no account.
func (m *Model) ARN(region string) string {
	return "arn:aws:bedrock:" + region + "::foundation-model/" + m.ID
}

// Accepts reports whether the model reads a kind of content.
func (m *Model) Accepts(x Modality) bool { return slices.Contains(m.Input, x) }

// Produces reports whether the model makes a kind of content.
func (m *Model) Produces(x Modality) bool { return slices.Contains(m.Output, x) }

// Chat reports whether the model holds conversations: it reads and writes text
// as a stream does. Rerankers write text in name only and do not stream.
func (m *Model) Chat() bool { return m.Produces(Text) && m.Accepts(Text) && m.Streaming }

// Embeds reports whether the model turns texts into vectors.
func (m *Model) Embeds() bool { return m.Produces(Embedding) && m.Accepts(Text) }

// variant returns the entry of a model under a longer ID.
func (m *Model) variant(suffix string) *Model {
	v := *m
	v.ID, v.Base = m.ID+suffix, m.ID
	v.InferenceTypes = []InferenceType{Provisioned}
	v.suffixes, v.profiles = nil, nil
	return &v
}
