package anthropic

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/outcrop-ai/outcrop/internal/api/access"
	"github.com/outcrop-ai/outcrop/internal/api/door"
	"github.com/outcrop-ai/outcrop/internal/arn"
	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	dialect "github.com/outcrop-ai/outcrop/internal/dialect/anthropic"
	"github.com/outcrop-ai/outcrop/internal/fault"
)

// models answers GET /anthropic/v1/models with the chat models of the caller's region.
func (o operations) models(w http.ResponseWriter, r *http.Request, _ door.Body) error {
	ctx := r.Context()
	c := call.From(ctx)
	if err := o.cfg.Authorize(ctx, c.Principal, access.Needs{Action: "bedrock:ListFoundationModels", Resources: []string{"*"}}); err != nil {
		return err
	}
	var all []dialect.Model
	for _, m := range o.cfg.Catalog.Models(c.Region, catalog.Filter{}) {
		if m.Chat() {
			all = append(all, entry(m))
		}
	}
	list, more, err := page(all, r.URL.Query())
	if err != nil {
		return err
	}
	body, err := dialect.EncodeModels(list, more)
	if err != nil {
		return err
	}
	door.WriteJSON(w, body)
	return nil
}

// model answers GET /anthropic/v1/models/{id}.
func (o operations) model(w http.ResponseWriter, r *http.Request, _ door.Body) error {
	ctx := r.Context()
	c := call.From(ctx)
	id := r.PathValue("id")
	resource := arn.Bedrock(c.Region, "", "foundation-model/"+id).String()
	if err := o.cfg.Authorize(ctx, c.Principal, access.Needs{Action: "bedrock:GetFoundationModel", Resources: []string{resource}}); err != nil {
		return err
	}
	m, err := o.cfg.Catalog.Model(c.Region, id)
	if err != nil || !m.Chat() {
		return unknown(id)
	}
	body, err := dialect.EncodeModel(entry(m))
	if err != nil {
		return err
	}
	door.WriteJSON(w, body)
	return nil
}

func entry(m *catalog.Model) dialect.Model {
	return dialect.Model{
		ID: m.ID, Name: m.Name, Created: m.Start, Deprecated: m.Status == catalog.Legacy,
		MaxInput: m.Context, MaxOutput: m.MaxOutput,
	}
}

// The sizes of a page.
const (
	usualPage = 20
	largePage = 1000
)

// page returns the part of a list that a query asks for, and whether there is more
// beyond it in the query's direction.
func page(all []dialect.Model, q url.Values) (list []dialect.Model, more bool, err error) {
	limit := usualPage
	if text := q.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > largePage {
			return nil, false, fault.Errorf(fault.Invalid, "limit: Input should be an integer between 1 and %d", largePage)
		}
	}
	after, before := q.Get("after_id"), q.Get("before_id")
	switch {
	case after != "" && before != "":
		return nil, false, fault.Errorf(fault.Invalid, "after_id: Only one of after_id and before_id can be given")
	case after != "":
		i, err := find(all, "after_id", after)
		if err != nil {
			return nil, false, err
		}
		all = all[i+1:]
	case before != "":
		i, err := find(all, "before_id", before)
		if err != nil {
			return nil, false, err
		}
		return all[max(0, i-limit):i], i > limit, nil
	}
	return all[:min(limit, len(all))], len(all) > limit, nil
}

func find(all []dialect.Model, parameter, id string) (int, error) {
	i := slices.IndexFunc(all, func(m dialect.Model) bool { return m.ID == id })
	if i < 0 {
		return 0, fault.Errorf(fault.Invalid, "%s: There is no model '%s'", parameter, door.Clip(id))
	}
	return i, nil
}
