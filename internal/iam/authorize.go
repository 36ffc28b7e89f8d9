package iam

import (
	"context"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/policy"
)

// Access is what a call needs to be allowed.
type Access struct {
	// Actions are names for the same thing: one that is allowed suffices, and an explicit
	// deny of any refuses. A refusal names the first. Converse is asked as
	// bedrock:InvokeModel and bedrock:Converse.
	Actions []string
	// Resources have to be allowed, every one. None means an action without resources.
	Resources []string
	// Context holds condition keys beside those of the principal and the time; may be nil.
	Context map[string][]string
}

// Authorize returns nil when p may do what a says, and a fault.Denied in AWS's words
// otherwise. Root may do everything. A principal whose key is gone may do nothing.
func (s *Store) Authorize(ctx context.Context, p call.Principal, a Access) error {
	if p.Root {
		return nil
	}
	if len(a.Actions) == 0 {
		return fault.Errorf(fault.Internal, "The operation names no action.")
	}
	var policies []policy.Policy
	if e := s.current.Load().keys[p.AccessKeyID]; e != nil && e.credential.Principal == p {
		policies = e.policies
	}
	req := policy.Request{Context: s.conditionKeys(ctx, p, a.Context)}
	resources := a.Resources
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	for _, resource := range resources {
		req.Resource = resource
		d := decide(req, a.Actions, policies)
		if d.Allowed() {
			continue
		}
		s.cfg.Logger.Debug("access denied", "principal", p.ARN, "actions", a.Actions, "resource", resource, "decision", d.String())
		if len(a.Resources) == 0 {
			resource = ""
		}
		return denied(p, a.Actions[0], resource, d.Effect)
	}
	return nil
}

// decide takes the names of one action together: a deny of any wins, then an allow.
func decide(req policy.Request, actions []string, policies []policy.Policy) policy.Decision {
	var best policy.Decision
	for _, action := range actions {
		req.Action = action
		d := policy.Evaluate(req, policies...)
		if d.Effect == policy.Deny {
			return d
		}
		if d.Effect == policy.Allow {
			best = d
		}
	}
	return best
}

func denied(p call.Principal, action, resource string, effect policy.Effect) error {
	text := "User: " + p.ARN + " is not authorized to perform: " + action
	if resource != "" {
		text += " on resource: " + resource
	}
	if effect == policy.Deny {
		text += " with an explicit deny in an identity-based policy"
	} else {
		text += " because no identity-based policy allows the " + action + " action"
	}
	return &fault.Error{Kind: fault.Denied, Message: text, Resource: resource}
}

// conditionKeys adds what IAM calls global condition keys to the call's own.
func (s *Store) conditionKeys(ctx context.Context, p call.Principal, own map[string][]string) map[string][]string {
	now := s.cfg.Now().UTC()
	keys := make(map[string][]string, len(own)+8)
	keys["aws:PrincipalArn"] = []string{p.ARN}
	keys["aws:PrincipalAccount"] = []string{p.Account}
	keys["aws:PrincipalType"] = []string{"User"}
	keys["aws:userid"] = []string{p.UserID}
	keys["aws:CurrentTime"] = []string{now.Format(time.RFC3339)}
	keys["aws:EpochTime"] = []string{strconv.FormatInt(now.Unix(), 10)}
	if _, name, ok := strings.Cut(p.ARN, ":user/"); ok {
		keys["aws:username"] = []string{name[strings.LastIndexByte(name, '/')+1:]}
	}
	if region := call.From(ctx).Region; region != "" {
		keys["aws:RequestedRegion"] = []string{region}
	}
	maps.Copy(keys, own)
	return keys
}
