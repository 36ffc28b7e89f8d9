package gateway

import "github.com/outcrop-ai/outcrop/internal/llm"

// Serves returns who answers for a model in a region, in the order in which they
// are tried. None is no error: such calls are denied.
func (g *Gateway) Serves(region, account, id string) ([]llm.Served, error) {
	m, err := g.catalog.Lookup(region, account, id)
	if err != nil {
		return nil, err
	}
	if !m.Model.Chat() && !m.Model.Embeds() {
		return nil, nil // there is no call for it yet
	}
	var list []llm.Served
	for _, t := range g.routes.Load().targets(m, m.Model.Embeds()) {
		list = append(list, t.served)
	}
	return list, nil
}
