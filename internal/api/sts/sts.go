// Package sts answers the operations of AWS Security Token Service that need no users
// or roles: who is calling.
package sts

import (
	"context"

	"github.com/outcrop-ai/outcrop/internal/call"
	types "github.com/outcrop-ai/outcrop/internal/gen/sts"
)

// Service implements the generated interface; what it does not override answers that
// it is not implemented.
type Service struct {
	types.Unimplemented
}

// GetCallerIdentity returns the principal that signed the request. No policy can forbid it.
func (Service) GetCallerIdentity(ctx context.Context, _ *types.GetCallerIdentityRequest) (*types.GetCallerIdentityResponse, error) {
	p := call.From(ctx).Principal
	return &types.GetCallerIdentityResponse{ARN: p.ARN, Account: p.Account, UserID: p.UserID}, nil
}
