package control

import (
	"context"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	types "github.com/outcrop-ai/outcrop/internal/gen/bedrock"
)

// ListFoundationModels lists the models of the caller's region that all filters choose.
func (s *Service) ListFoundationModels(ctx context.Context, in *types.ListFoundationModelsRequest) (*types.ListFoundationModelsResponse, error) {
	region := call.From(ctx).Region
	models := s.catalog.Models(region, catalog.Filter{
		Provider:      in.ByProvider,
		Customization: catalog.Customization(in.ByCustomizationType),
		Output:        catalog.Modality(in.ByOutputModality),
		Inference:     catalog.InferenceType(in.ByInferenceType),
	})
	out := &types.ListFoundationModelsResponse{ModelSummaries: make([]types.FoundationModelSummary, len(models))}
	for i, m := range models {
		out.ModelSummaries[i] = types.FoundationModelSummary(details(m, region))
	}
	return out, nil
}

// GetFoundationModel describes one model by ID or ARN.
func (s *Service) GetFoundationModel(ctx context.Context, in *types.GetFoundationModelRequest) (*types.GetFoundationModelResponse, error) {
	region := call.From(ctx).Region
	m, err := s.catalog.Model(region, in.ModelIdentifier)
	if err != nil {
		return nil, err
	}
	d := details(m, region)
	return &types.GetFoundationModelResponse{ModelDetails: &d}, nil
}

// GetFoundationModelAvailability says whether a model may be used in the caller's
// region. Outcrop asks for no agreements and entitles every account.
func (s *Service) GetFoundationModelAvailability(ctx context.Context, in *types.GetFoundationModelAvailabilityRequest) (*types.GetFoundationModelAvailabilityResponse, error) {
	a, err := s.catalog.Availability(call.From(ctx).Region, in.ModelID)
	if err != nil {
		return nil, err
	}
	region := types.RegionAvailabilityNotAvailable
	if a.Region {
		region = types.RegionAvailabilityAvailable
	}
	return &types.GetFoundationModelAvailabilityResponse{
		ModelID:                 a.Model.ID,
		AgreementAvailability:   &types.AgreementAvailability{Status: types.AgreementStatusAvailable},
		AuthorizationStatus:     types.AuthorizationStatusAuthorized,
		EntitlementAvailability: types.EntitlementAvailabilityAvailable,
		RegionAvailability:      region,
	}, nil
}

func details(m *catalog.Model, region string) types.FoundationModelDetails {
	streams := m.Streaming
	return types.FoundationModelDetails{
		ModelARN:                   m.ARN(region),
		ModelID:                    m.ID,
		ModelName:                  m.Name,
		ProviderName:               m.Provider,
		InputModalities:            convert[types.ModelModality](m.Input),
		OutputModalities:           convert[types.ModelModality](m.Output),
		ResponseStreamingSupported: &streams,
		CustomizationsSupported:    convert[types.ModelCustomization](m.Customizations),
		InferenceTypesSupported:    convert[types.InferenceType](m.InferenceTypes),
		ModelLifecycle: &types.FoundationModelLifecycle{
			Status:          types.FoundationModelLifecycleStatus(m.Status),
			StartOfLifeTime: m.Start,
			LegacyTime:      m.Legacy,
			EndOfLifeTime:   m.End,
		},
	}
}
