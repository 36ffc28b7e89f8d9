package gateway

import (
	"context"

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

func (inv *Invocation) count(ctx context.Context, req *llm.ChatRequest) (n int, err error) {
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
	targets, err := inv.counters()
	if err != nil {
		return 0, err
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

// counters returns the targets that can count for the model: its own, else the
// stand-ins.
func (inv *Invocation) counters() ([]*target, error) {
	all := inv.routes.targets(inv.Model, false)
	if len(all) == 0 {
		return nil, inv.nobody(false)
	}
	for _, list := range [][]*target{all, reach(inv.routes.chat, inv.Model)} {
		var can []*target
		for _, t := range list {
			if t.Count != nil {
				can = append(can, t)
			}
		}
		if len(can) > 0 {
			return can, nil
		}
	}
	return nil, fault.Errorf(fault.NotImplemented, "The backend %s of %s cannot count tokens.", all[0].Target.Backend, inv.Model.Model.ID)
}
