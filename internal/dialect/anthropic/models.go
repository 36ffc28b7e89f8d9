package anthropic

import "time"

// Model is an entry of the list of models.
type Model struct {
	ID         string
	Name       string
	Created    time.Time // zero: unknown
	Deprecated bool
	MaxInput   int // tokens; zero: unknown
	MaxOutput  int // likewise
}

// modelOut is a model as the API writes it.
type modelOut struct {
	Type      string    `json:"type"`
	ID        string    `json:"id"`
	Name      string    `json:"display_name"`
	Created   time.Time `json:"created_at"`
	Lifecycle string    `json:"lifecycle"`
	MaxInput  *int      `json:"max_input_tokens"`
	MaxOutput *int      `json:"max_tokens"`
}

func encodeModel(m Model) modelOut {
	out := modelOut{Type: "model", ID: m.ID, Name: m.Name, Created: m.Created.UTC(), Lifecycle: "active"}
	if m.Created.IsZero() {
		out.Created = time.Unix(0, 0).UTC()
	}
	if m.Deprecated {
		out.Lifecycle = "deprecated"
	}
	if m.MaxInput > 0 {
		out.MaxInput = &m.MaxInput
	}
	if m.MaxOutput > 0 {
		out.MaxOutput = &m.MaxOutput
	}
	return out
}

// EncodeModel returns the body that describes one model.
func EncodeModel(m Model) ([]byte, error) { return marshal(encodeModel(m)) }

// EncodeModels returns the body of a page of the list of models; more says that it is
// not the last.
func EncodeModels(list []Model, more bool) ([]byte, error) {
	out := struct {
		Data  []modelOut `json:"data"`
		More  bool       `json:"has_more"`
		First *string    `json:"first_id"`
		Last  *string    `json:"last_id"`
	}{Data: make([]modelOut, len(list)), More: more}
	for i, m := range list {
		out.Data[i] = encodeModel(m)
	}
	if n := len(list); n > 0 {
		out.First, out.Last = &list[0].ID, &list[n-1].ID
	}
	return marshal(out)
}
