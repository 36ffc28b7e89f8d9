package control

import (
	"context"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/fault"
	types "github.com/outcrop-ai/outcrop/internal/gen/bedrock"
)

// defaultPage is the number of profiles on a page whose size the caller leaves open.
const defaultPage = 100

// ListInferenceProfiles lists the system-defined profiles of the caller's region.
// There are no application profiles yet, so asking for those alone finds none.
func (s *Service) ListInferenceProfiles(ctx context.Context, in *types.ListInferenceProfilesRequest) (*types.ListInferenceProfilesResponse, error) {
	out := &types.ListInferenceProfilesResponse{InferenceProfileSummaries: []types.InferenceProfileSummary{}}
	if in.TypeEquals == types.InferenceProfileTypeApplication {
		return out, nil
	}
	c := call.From(ctx)
	page := defaultPage
	if in.MaxResults != nil {
		page = *in.MaxResults
	}
	profiles := s.catalog.Profiles(c.Region, c.Account)
	// The token is the last ID of the page before: the list is sorted by ID.
	i := 0
	if in.NextToken != "" {
		for i < len(profiles) && profiles[i].ID <= in.NextToken {
			i++
		}
		if i == 0 || profiles[i-1].ID != in.NextToken {
			return nil, fault.Errorf(fault.Invalid, "The nextToken is not one that this operation returned.")
		}
	}
	end := min(i+page, len(profiles))
	for _, p := range profiles[i:end] {
		out.InferenceProfileSummaries = append(out.InferenceProfileSummaries, summary(p))
	}
	if end < len(profiles) {
		out.NextToken = profiles[end-1].ID
	}
	return out, nil
}

// GetInferenceProfile describes one profile by ID or ARN.
func (s *Service) GetInferenceProfile(ctx context.Context, in *types.GetInferenceProfileRequest) (*types.GetInferenceProfileResponse, error) {
	c := call.From(ctx)
	p, err := s.catalog.Profile(c.Region, c.Account, in.InferenceProfileIdentifier)
	if err != nil {
		return nil, err
	}
	out := types.GetInferenceProfileResponse(summary(p))
	return &out, nil
}

func summary(p *catalog.Profile) types.InferenceProfileSummary {
	models := make([]types.InferenceProfileModel, len(p.Models))
	for i, m := range p.Models {
		models[i].ModelARN = m
	}
	return types.InferenceProfileSummary{
		InferenceProfileName: p.Name,
		Description:          p.Description,
		CreatedAt:            p.Created,
		UpdatedAt:            p.Created,
		InferenceProfileARN:  p.ARN,
		Models:               models,
		InferenceProfileID:   p.ID,
		Status:               types.InferenceProfileStatusActive,
		Type:                 types.InferenceProfileTypeSystemDefined,
	}
}
