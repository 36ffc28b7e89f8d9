// Package api joins the rooms that answer AWS services: which are served, by whom, and
// how much of each is built. Its children hold one service each.
package api

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/api/s3"
	"github.com/outcrop-ai/outcrop/internal/gen"
	"github.com/outcrop-ai/outcrop/internal/smithy"
)

// Status says how much of an operation is built.
type Status string

// The statuses.
const (
	Done     Status = "done"
	Partial  Status = "partial"
	NotBuilt Status = "not built"
)

// Coverage is one operation's line in the table of what works.
type Coverage struct {
	Service   string
	Operation string
	Status    Status
	Missing   string // of a partial operation: what is not there
}

// built lists the operations that are built, each with what is missing from it: nothing,
// or what Bedrock's does beyond it. A test holds the list against the implementations.
var built = map[string]string{ //nolint:gosec // operations and what they lack, no credentials
	"bedrock.GetFoundationModel":             "",
	"bedrock.GetFoundationModelAvailability": "",
	"bedrock.GetInferenceProfile":            "application inference profiles",
	"bedrock.ListFoundationModels":           "",
	"bedrock.ListInferenceProfiles":          "application inference profiles",

	"bedrock-runtime.Converse":                      conversation,
	"bedrock-runtime.ConverseStream":                conversation,
	"bedrock-runtime.CountTokens":                   "InvokeModel bodies other than Anthropic's Messages",
	"bedrock-runtime.InvokeModel":                   "bodies other than Anthropic's Messages and Titan Text Embeddings; guardrails",
	"bedrock-runtime.InvokeModelWithResponseStream": "bodies other than Anthropic's Messages; guardrails",

	"s3.AbortMultipartUpload":    "",
	"s3.CompleteMultipartUpload": "",
	"s3.CopyObject":              objectFeatures,
	"s3.CreateBucket":            "ACLs, object lock",
	"s3.CreateMultipartUpload":   objectFeatures,
	"s3.DeleteBucket":            "",
	"s3.DeleteObject":            "versions",
	"s3.DeleteObjectTagging":     "",
	"s3.DeleteObjects":           "versions",
	"s3.GetBucketLocation":       "",
	"s3.GetBucketVersioning":     "",
	"s3.GetObject":               objectFeatures,
	"s3.GetObjectAttributes":     "the list of parts",
	"s3.GetObjectTagging":        "",
	"s3.HeadBucket":              "",
	"s3.HeadObject":              objectFeatures,
	"s3.ListBuckets":             "",
	"s3.ListMultipartUploads":    "",
	"s3.ListObjects":             "",
	"s3.ListObjectsV2":           "",
	"s3.ListParts":               "",
	"s3.PutObject":               objectFeatures,
	"s3.PutObjectTagging":        "",
	"s3.UploadPart":              "",
	"s3.UploadPartCopy":          "",

	"sts.GetCallerIdentity": "",
}

// Built returns the operations that the table lists as built, by "service.Operation".
func Built() map[string]string { return maps.Clone(built) }

const conversation = "guardrails, prompt resources, s3Location sources"

const objectFeatures = "versions, encryption keys, object lock, ACLs, storage classes"

// Models returns the services of the table: the generated ones, and those with a door of
// their own.
func Models() []*smithy.Service { return append(gen.Models(), s3.Model()) }

// Table returns the coverage of every operation of services, sorted by name.
func Table(services []*smithy.Service) []Coverage {
	var table []Coverage
	for _, s := range services {
		for _, op := range s.Operations {
			c := Coverage{Service: s.Name, Operation: op.Name, Status: NotBuilt}
			if missing, ok := built[s.Name+"."+op.Name]; ok {
				c.Status, c.Missing = Done, missing
				if missing != "" {
					c.Status = Partial
				}
			}
			table = append(table, c)
		}
	}
	slices.SortFunc(table, func(a, b Coverage) int {
		return cmp.Or(strings.Compare(a.Service, b.Service), strings.Compare(a.Operation, b.Operation))
	})
	return table
}
