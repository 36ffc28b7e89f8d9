package gateway

import (
	"context"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// CountTokens counts what a conversation would be billed for, by the model's own
// target where that can count, else by a stand-in. It makes no record: nothing is
// invoked. Faults are *fault.Error.
func (g *Gateway) CountTokens(ctx context.Context, req *llm.ChatRequest) (int, error) {
	inv := g.invocation(ctx, req.Model)
	ctx, cancel := g.deadline(ctx)
	defer cancel()
	n, err := inv.count(ctx, req)
	if err != nil {
		return 0, toFault(ctx, err)
	}
	return n, nil
}

func (inv *Invocation) count(ctx context.Context, req *llm.ChatRequest) (int, error) {
	if err := inv.resolve(); err != nil {
		return 0, err
	}
	if err := inv.g.checkChat(inv.Model.Model, req); err != nil {
		return 0, err
	}
	if err := llm.Validate(req); err != nil {
		return 0, err
	}
	if err := inv.authorise(ctx, countTokens, nil); err != nil {
		return 0, err
	}
	own, stand, err := inv.counters()
	if err != nil {
		return 0, err
	}
	n, err := inv.countWith(ctx, own, req)
	if len(stand) > 0 && fault.Is(err, fault.NotImplemented) {
		return inv.countWith(ctx, stand, req)
	}
	return n, err
}

// countWith asks the targets in order.
func (inv *Invocation) countWith(ctx context.Context, targets []*target, req *llm.ChatRequest) (n int, err error) {
	if len(targets) == 0 {
		return 0, fault.Errorf(fault.NotImplemented, "No backend of %s can count tokens.", inv.Model.Model.ID)
	}
	err = inv.each(ctx, targets, func(t *target) (bool, error) {
		ctx, cancel := t.limit(ctx)
		defer cancel()
		got, err := t.Count.CountTokens(ctx, t.request(req))
		if err != nil {
			return false, toFault(ctx, err)
		}
		inv.worked(ctx, t)
		n = got
		return true, nil
	})
	return n, err
}

// counters returns those of the model's own targets that can count, and the
// stand-ins that can where the own ones cannot.
func (inv *Invocation) counters() (own, stand []*target, err error) {
	all := inv.routes.targets(inv.Model, false)
	if len(all) == 0 {
		return nil, nil, inv.nobody(false)
	}
	return counting(all), counting(reach(inv.routes.chat, inv.Model)), nil
}

func counting(list []*target) []*target {
	return slices.DeleteFunc(slices.Clone(list), func(t *target) bool { return t.Count == nil })
}
