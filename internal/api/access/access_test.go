package access

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/gen"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrock"
	"github.com/outcrop-ai/outcrop/internal/smithy"
)

func TestOf(t *testing.T) {
	t.Parallel()
	const profile = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x"
	for _, tc := range []struct {
		service, operation string
		in                 smithy.Struct
		want               Needs
	}{
		{"sts", "GetCallerIdentity", nil, Needs{}},
		{"sts", "AssumeRole", nil, Needs{"sts:AssumeRole", []string{"*"}}},
		{"iam", "ListUsers", nil, Needs{"iam:ListUsers", []string{"*"}}},
		{"logs", "StartQuery", nil, Needs{"logs:StartQuery", []string{"*"}}},
		{"monitoring", "ListMetrics", nil, Needs{"cloudwatch:ListMetrics", []string{"*"}}},
		{"bedrock-runtime", "Converse", nil, Needs{}},
		{"bedrock-runtime", "CountTokens", nil, Needs{}},
		{"bedrock-runtime", "ApplyGuardrail", nil, Needs{"bedrock:ApplyGuardrail", []string{"*"}}},
		{"bedrock-agent", "ListAgents", nil, Needs{"bedrock:ListAgents", []string{"*"}}},
		{"bedrock-agent-runtime", "Retrieve", nil, Needs{"bedrock:Retrieve", []string{"*"}}},
		{"bedrock", "ListFoundationModels", &bedrock.ListFoundationModelsRequest{}, Needs{"bedrock:ListFoundationModels", []string{"*"}}},
		{"bedrock", "GetFoundationModel", &bedrock.GetFoundationModelRequest{ModelIdentifier: "a.b"}, Needs{"bedrock:GetFoundationModel", []string{"arn:aws:bedrock:us-east-1::foundation-model/a.b"}}},
		{"bedrock", "GetFoundationModel", &bedrock.GetFoundationModelRequest{ModelIdentifier: "arn:aws:bedrock:us-east-1::foundation-model/a.b"}, Needs{"bedrock:GetFoundationModel", []string{"arn:aws:bedrock:us-east-1::foundation-model/a.b"}}},
		{"bedrock", "GetFoundationModelAvailability", &bedrock.GetFoundationModelAvailabilityRequest{ModelID: "a.b"}, Needs{"bedrock:GetFoundationModelAvailability", []string{"arn:aws:bedrock:us-east-1::foundation-model/a.b"}}},
		{"bedrock", "GetInferenceProfile", &bedrock.GetInferenceProfileRequest{InferenceProfileIdentifier: "us.x"}, Needs{"bedrock:GetInferenceProfile", []string{profile}}},
		{"bedrock", "GetInferenceProfile", &bedrock.GetInferenceProfileRequest{InferenceProfileIdentifier: profile}, Needs{"bedrock:GetInferenceProfile", []string{profile}}},
	} {
		got := Of(&call.Call{Service: tc.service, Operation: tc.operation, Region: "us-east-1", Account: "123456789012"}, tc.in)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", tc.service, tc.operation, diff)
		}
	}
}

// TestNothingIsFree wants a permission for every operation, but for those known not to
// need one here.
func TestNothingIsFree(t *testing.T) {
	t.Parallel()
	free := 0
	for _, s := range gen.Models() {
		for _, op := range s.Operations {
			if Of(&call.Call{Service: s.Name, Operation: op.Name}, op.NewInput()).Action == "" {
				free++
			}
		}
	}
	if want := len(gateway) + 1; free != want { // the gateway's, and GetCallerIdentity
		t.Errorf("%d operations need no permission, want %d", free, want)
	}
}
