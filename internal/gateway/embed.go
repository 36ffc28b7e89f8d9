package gateway

import (
	"context"

	"github.com/outcrop-ai/outcrop/internal/backend/estimate"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Embed turns texts into vectors. It is an llm.Embedder whose requests name models
// as callers do. Faults are *fault.Error.
func (g *Gateway) Embed(ctx context.Context, req *llm.EmbedRequest) (*llm.EmbedResponse, error) {
	inv := g.begin(ctx, req.Model)
	defer inv.end()
	ctx, cancel := g.deadline(ctx)
	defer cancel()

	if err := inv.openEmbed(ctx, req); err != nil {
		return nil, inv.fail(ctx, err)
	}
	resp, err := inv.embed(ctx, req)
	if err != nil {
		return nil, inv.fail(ctx, err)
	}
	if resp.InputTokens <= 0 {
		resp.InputTokens, inv.usage.Estimated = textTokens(req.Texts), true
	}
	resp.Served = inv.served
	inv.usage.InputTokens = resp.InputTokens
	inv.complete = true
	return resp, nil
}

func (inv *Invocation) openEmbed(ctx context.Context, req *llm.EmbedRequest) error {
	if err := inv.resolve(); err != nil {
		return err
	}
	if err := checkEmbed(inv.Model.Model); err != nil {
		return err
	}
	if err := inv.authorise(ctx, invoke, nil); err != nil {
		return err
	}
	return inv.admit(ctx, func() int { return textTokens(req.Texts) })
}

func (inv *Invocation) embed(ctx context.Context, req *llm.EmbedRequest) (resp *llm.EmbedResponse, err error) {
	targets := inv.routes.targets(inv.Model, true)
	if len(targets) == 0 {
		return nil, inv.nobody(true)
	}
	err = inv.each(ctx, targets, func(t *target) (bool, error) {
		ctx, cancel := t.limit(ctx)
		defer cancel()
		r := *req
		r.Model = t.Model
		if r.Dimensions == 0 && t.AnyLength {
			r.Dimensions = inv.Model.Model.Dimensions
		}
		got, err := t.Embed.Embed(ctx, &r)
		if err == nil && len(got.Vectors) != len(req.Texts) {
			err = fault.Errorf(fault.ModelError, "The model returned %d vectors for %d texts.", len(got.Vectors), len(req.Texts))
		}
		if err != nil {
			return false, toFault(ctx, err)
		}
		inv.worked(ctx, t)
		resp = got
		return true, nil
	})
	return resp, err
}

func textTokens(texts []string) int {
	n := 0
	for _, s := range texts {
		n += estimate.Text(s)
	}
	return n
}
