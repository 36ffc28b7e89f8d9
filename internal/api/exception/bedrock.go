package exception

import (
	"net/http"

	"github.com/outcrop-ai/outcrop/internal/fault"
	types "github.com/outcrop-ai/outcrop/internal/gen/bedrock"
	agent "github.com/outcrop-ai/outcrop/internal/gen/bedrockagent"
	agentrt "github.com/outcrop-ai/outcrop/internal/gen/bedrockagentruntime"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire"
)

var control = table{
	fault.Internal:       func(e *fault.Error) error { return &types.InternalServerException{Message: e.Message} },
	fault.Invalid:        func(e *fault.Error) error { return &types.ValidationException{Message: e.Message} },
	fault.NotFound:       func(e *fault.Error) error { return &types.ResourceNotFoundException{Message: e.Message} },
	fault.Conflict:       func(e *fault.Error) error { return &types.ConflictException{Message: e.Message} },
	fault.Denied:         func(e *fault.Error) error { return &types.AccessDeniedException{Message: e.Message} },
	fault.Throttled:      func(e *fault.Error) error { return &types.ThrottlingException{Message: e.Message} },
	fault.QuotaExceeded:  func(e *fault.Error) error { return &types.ServiceQuotaExceededException{Message: e.Message} },
	fault.Unavailable:    func(e *fault.Error) error { return &types.ServiceUnavailableException{Message: e.Message} },
	fault.NotImplemented: func(e *fault.Error) error { return &types.ValidationException{Message: e.Message} },
}

func controlInvalid(message string, _ []smithy.Violation) error {
	return &types.ValidationException{Message: message}
}

var agents = table{
	fault.Internal:       func(e *fault.Error) error { return &agent.InternalServerException{Message: e.Message} },
	fault.Invalid:        func(e *fault.Error) error { return &agent.ValidationException{Message: e.Message} },
	fault.NotFound:       func(e *fault.Error) error { return &agent.ResourceNotFoundException{Message: e.Message} },
	fault.Conflict:       func(e *fault.Error) error { return &agent.ConflictException{Message: e.Message} },
	fault.Denied:         func(e *fault.Error) error { return &agent.AccessDeniedException{Message: e.Message} },
	fault.Throttled:      func(e *fault.Error) error { return &agent.ThrottlingException{Message: e.Message} },
	fault.QuotaExceeded:  func(e *fault.Error) error { return &agent.ServiceQuotaExceededException{Message: e.Message} },
	fault.NotImplemented: func(e *fault.Error) error { return &agent.ValidationException{Message: e.Message} },
}

func agentsInvalid(message string, violations []smithy.Violation) error {
	x := &agent.ValidationException{Message: message}
	for _, v := range violations {
		x.FieldList = append(x.FieldList, agent.ValidationExceptionField{Name: v.Path, Message: v.Message()})
	}
	return x
}

var agentRuntime = table{
	fault.Internal:      func(e *fault.Error) error { return &agentrt.InternalServerException{Message: e.Message} },
	fault.Invalid:       func(e *fault.Error) error { return &agentrt.ValidationException{Message: e.Message} },
	fault.NotFound:      func(e *fault.Error) error { return &agentrt.ResourceNotFoundException{Message: e.Message} },
	fault.Conflict:      func(e *fault.Error) error { return &agentrt.ConflictException{Message: e.Message} },
	fault.Denied:        func(e *fault.Error) error { return &agentrt.AccessDeniedException{Message: e.Message} },
	fault.Throttled:     func(e *fault.Error) error { return &agentrt.ThrottlingException{Message: e.Message} },
	fault.QuotaExceeded: func(e *fault.Error) error { return &agentrt.ServiceQuotaExceededException{Message: e.Message} },
	fault.Unavailable: func(e *fault.Error) error {
		return &agentrt.BadGatewayException{Message: e.Message, ResourceName: e.Resource}
	},
	fault.Timeout: func(e *fault.Error) error {
		return &agentrt.DependencyFailedException{Message: e.Message, ResourceName: e.Resource}
	},
	fault.ModelError: func(e *fault.Error) error {
		return &agentrt.DependencyFailedException{Message: e.Message, ResourceName: e.Resource}
	},
	fault.NotReady:       func(e *fault.Error) error { return &agentrt.ModelNotReadyException{Message: e.Message} },
	fault.NotImplemented: func(e *fault.Error) error { return &agentrt.ValidationException{Message: e.Message} },
}

func agentRuntimeInvalid(message string, _ []smithy.Violation) error {
	return &agentrt.ValidationException{Message: message}
}

// common has the names that services with the query and the awsJson protocols share.
var common = table{
	fault.Internal:       plain("InternalFailure", http.StatusInternalServerError),
	fault.Invalid:        plain("ValidationError", http.StatusBadRequest),
	fault.NotFound:       plain("ResourceNotFound", http.StatusNotFound),
	fault.Conflict:       plain("Conflict", http.StatusConflict),
	fault.Denied:         plain("AccessDenied", http.StatusForbidden),
	fault.Throttled:      plain("Throttling", http.StatusBadRequest),
	fault.QuotaExceeded:  plain("LimitExceeded", http.StatusConflict),
	fault.Unavailable:    plain("ServiceUnavailable", http.StatusServiceUnavailable),
	fault.NotImplemented: plain("NotImplemented", http.StatusBadRequest),
}

func plain(code string, status int) func(*fault.Error) error {
	return func(e *fault.Error) error { return &wire.ProtocolError{Code: code, Status: status, Message: e.Message} }
}

func commonInvalid(message string, _ []smithy.Violation) error {
	return &wire.ProtocolError{Code: "ValidationError", Status: http.StatusBadRequest, Message: message}
}
