// Package access says what a caller must be allowed for each operation, in IAM's words:
// actions and resource ARNs. Calls of models are not here: the gateway asks for those
// itself, once it knows which model an alias or a profile means.
package access

import (
	"github.com/outcrop-ai/outcrop/internal/arn"
	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrock"
	"github.com/outcrop-ai/outcrop/internal/smithy"
)

// Needs is what one request has to be allowed. The zero value needs nothing.
type Needs struct {
	Action    string
	Resources []string
}

// gateway holds the operations whose permission the gateway asks for.
var gateway = map[string]bool{
	"Converse": true, "ConverseStream": true, "InvokeModel": true, "InvokeModelWithResponseStream": true, "CountTokens": true,
}

// Of returns what the operation that c describes needs with input in.
func Of(c *call.Call, in smithy.Struct) Needs {
	switch c.Service {
	case "sts":
		if c.Operation == "GetCallerIdentity" {
			return Needs{} // nobody can be forbidden to ask who they are
		}
		return needs("sts", c, "*")
	case "iam", "logs":
		return needs(c.Service, c, "*")
	case "monitoring":
		return needs("cloudwatch", c, "*")
	case "bedrock-runtime":
		if gateway[c.Operation] {
			return Needs{}
		}
	}
	return needs("bedrock", c, resource(c, in))
}

func needs(prefix string, c *call.Call, resource string) Needs {
	return Needs{Action: prefix + ":" + c.Operation, Resources: []string{resource}}
}

// resource returns the ARN that an operation of the control plane is about, "*" for
// one that is about none or about many.
func resource(c *call.Call, in smithy.Struct) string {
	switch in := in.(type) {
	case *bedrock.GetFoundationModelRequest:
		return model(c, in.ModelIdentifier)
	case *bedrock.GetFoundationModelAvailabilityRequest:
		return model(c, in.ModelID)
	case *bedrock.GetInferenceProfileRequest:
		if arn.Is(in.InferenceProfileIdentifier) {
			return in.InferenceProfileIdentifier
		}
		return arn.Bedrock(c.Region, c.Account, "inference-profile/"+in.InferenceProfileIdentifier).String()
	}
	return "*"
}

func model(c *call.Call, id string) string {
	if arn.Is(id) {
		return id
	}
	return arn.Bedrock(c.Region, "", "foundation-model/"+id).String()
}
