package control

import (
	"context"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/fault"
	types "github.com/outcrop-ai/outcrop/internal/gen/bedrock"
)

const claude = "anthropic.claude-3-5-sonnet-20241022-v2:0"

func newService(t *testing.T) (*Service, func(region string) context.Context) {
	t.Helper()
	c, err := catalog.New(catalog.Config{Regions: []string{"us-east-1", "us-west-2", "eu-west-1"}})
	if err != nil {
		t.Fatal(err)
	}
	return New(c), func(region string) context.Context {
		return call.With(t.Context(), &call.Call{Region: region, Account: "123456789012"})
	}
}

func TestListFoundationModels(t *testing.T) {
	t.Parallel()
	s, in := newService(t)
	list := func(req types.ListFoundationModelsRequest) map[string]types.FoundationModelSummary {
		t.Helper()
		out, err := s.ListFoundationModels(in("eu-west-1"), &req)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]types.FoundationModelSummary{}
		for _, m := range out.ModelSummaries {
			found[m.ModelID] = m
		}
		return found
	}
	all := list(types.ListFoundationModelsRequest{})
	m, ok := all[claude]
	if !ok {
		t.Fatalf("no %s among %d models", claude, len(all))
	}
	if got, want := m.ModelARN, "arn:aws:bedrock:eu-west-1::foundation-model/"+claude; got != want {
		t.Errorf("ARN = %s, want %s", got, want)
	}
	if m.ModelLifecycle.Status != types.FoundationModelLifecycleStatusActive || !*m.ResponseStreamingSupported {
		t.Errorf("lifecycle %v, streaming %v", m.ModelLifecycle, *m.ResponseStreamingSupported)
	}
	for id, m := range list(types.ListFoundationModelsRequest{ByProvider: "amazon", ByOutputModality: types.ModelModalityEmbedding}) {
		if m.ProviderName != "Amazon" || m.OutputModalities[0] != types.ModelModalityEmbedding {
			t.Errorf("%s is not an embedding model of Amazon", id)
		}
	}
	if n := len(list(types.ListFoundationModelsRequest{ByProvider: "nobody"})); n != 0 {
		t.Errorf("nobody provides %d models", n)
	}
}

func TestGetFoundationModel(t *testing.T) {
	t.Parallel()
	s, in := newService(t)
	for _, id := range []string{claude, "arn:aws:bedrock:us-west-2::foundation-model/" + claude} {
		out, err := s.GetFoundationModel(in("us-west-2"), &types.GetFoundationModelRequest{ModelIdentifier: id})
		if err != nil || out.ModelDetails.ModelID != claude {
			t.Errorf("GetFoundationModel(%s) = %v, %v", id, out, err)
		}
	}
	for _, id := range []string{"nope", "arn:aws:bedrock:us-west-2::foundation-model/nope"} {
		if _, err := s.GetFoundationModel(in("us-west-2"), &types.GetFoundationModelRequest{ModelIdentifier: id}); !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.NotFound) {
			t.Errorf("GetFoundationModel(%s): %v", id, err)
		}
	}
}

// TestInferenceProfilePages wants every profile once, whatever the size of a page.
func TestInferenceProfilePages(t *testing.T) {
	t.Parallel()
	s, in := newService(t)
	ctx := in("us-east-1")
	want := len(s.catalog.Profiles("us-east-1", "123456789012"))
	for _, size := range []int{1, 7, 1000} {
		var ids []string
		req := &types.ListInferenceProfilesRequest{MaxResults: &size}
		for {
			page, err := s.ListInferenceProfiles(ctx, req)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range page.InferenceProfileSummaries {
				ids = append(ids, p.InferenceProfileID)
			}
			if req.NextToken = page.NextToken; req.NextToken == "" {
				break
			}
		}
		if len(ids) != want || want == 0 {
			t.Errorf("pages of %d hold %d profiles, want %d", size, len(ids), want)
		}
		for i := 1; i < len(ids); i++ {
			if ids[i-1] >= ids[i] {
				t.Errorf("pages of %d: %s comes after %s", size, ids[i], ids[i-1])
			}
		}
	}
	if _, err := s.ListInferenceProfiles(ctx, &types.ListInferenceProfilesRequest{NextToken: "made-up"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a made-up token: %v", err)
	}
	none, err := s.ListInferenceProfiles(ctx, &types.ListInferenceProfilesRequest{TypeEquals: types.InferenceProfileTypeApplication})
	if err != nil || len(none.InferenceProfileSummaries) != 0 {
		t.Errorf("application profiles: %v, %v", none, err)
	}
}

func TestGetInferenceProfile(t *testing.T) {
	t.Parallel()
	s, in := newService(t)
	id := "us." + claude
	p, err := s.GetInferenceProfile(in("us-east-1"), &types.GetInferenceProfileRequest{InferenceProfileIdentifier: id})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(p.InferenceProfileARN, ":123456789012:inference-profile/"+id) || len(p.Models) == 0 {
		t.Errorf("profile = %+v", p)
	}
	byARN, err := s.GetInferenceProfile(in("us-east-1"), &types.GetInferenceProfileRequest{InferenceProfileIdentifier: p.InferenceProfileARN})
	if err != nil || byARN.InferenceProfileID != id {
		t.Errorf("by ARN: %v, %v", byARN, err)
	}
	if _, err := s.GetInferenceProfile(in("us-east-1"), &types.GetInferenceProfileRequest{InferenceProfileIdentifier: "us.nope"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("us.nope: %v", err)
	}
}
