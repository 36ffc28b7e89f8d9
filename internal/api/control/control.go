// Package control answers the operations of the bedrock service, the control plane:
// for now what concerns the catalog of models and system inference profiles.
package control

import (
	"github.com/outcrop-ai/outcrop/internal/catalog"
	types "github.com/outcrop-ai/outcrop/internal/gen/bedrock"
)

// Service implements the generated interface; what it does not override answers that
// it is not implemented.
type Service struct {
	types.Unimplemented
	catalog *catalog.Catalog
}

// New returns the control plane over a catalog.
func New(c *catalog.Catalog) *Service { return &Service{catalog: c} }

// convert copies a list between two sets of names for the same strings.
func convert[To, From ~string](list []From) []To {
	out := make([]To, len(list))
	for i, v := range list {
		out[i] = To(v)
	}
	return out
}
