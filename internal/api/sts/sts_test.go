package sts

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/call"
	types "github.com/outcrop-ai/outcrop/internal/gen/sts"
	"github.com/outcrop-ai/outcrop/internal/smithy"
)

func TestGetCallerIdentity(t *testing.T) {
	t.Parallel()
	ctx := call.With(t.Context(), &call.Call{Principal: call.Principal{
		ARN: "arn:aws:iam::123456789012:user/app", Account: "123456789012", UserID: "AIDAEXAMPLE", AccessKeyID: "AKIAEXAMPLE",
	}})
	got, err := Service{}.GetCallerIdentity(ctx, &types.GetCallerIdentityRequest{})
	if err != nil {
		t.Fatal(err)
	}
	want := &types.GetCallerIdentityResponse{ARN: "arn:aws:iam::123456789012:user/app", Account: "123456789012", UserID: "AIDAEXAMPLE"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, err := (Service{}).AssumeRole(ctx, &types.AssumeRoleRequest{}); err == nil {
		t.Error("AssumeRole answers")
	} else if _, ok := errors.AsType[*smithy.NotImplementedError](err); !ok {
		t.Errorf("AssumeRole: %v", err)
	}
}
