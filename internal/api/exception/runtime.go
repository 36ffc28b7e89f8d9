package exception

import (
	"github.com/outcrop-ai/outcrop/internal/fault"
	types "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/smithy"
)

var runtime = table{
	fault.Internal:       func(e *fault.Error) error { return &types.InternalServerException{Message: e.Message} },
	fault.Invalid:        func(e *fault.Error) error { return &types.ValidationException{Message: e.Message} },
	fault.NotFound:       func(e *fault.Error) error { return &types.ResourceNotFoundException{Message: e.Message} },
	fault.Conflict:       func(e *fault.Error) error { return &types.ConflictException{Message: e.Message} },
	fault.Denied:         func(e *fault.Error) error { return &types.AccessDeniedException{Message: e.Message} },
	fault.Throttled:      func(e *fault.Error) error { return &types.ThrottlingException{Message: e.Message} },
	fault.QuotaExceeded:  func(e *fault.Error) error { return &types.ServiceQuotaExceededException{Message: e.Message} },
	fault.Unavailable:    func(e *fault.Error) error { return &types.ServiceUnavailableException{Message: e.Message} },
	fault.Timeout:        func(e *fault.Error) error { return &types.ModelTimeoutException{Message: e.Message} },
	fault.ModelError:     modelError,
	fault.NotReady:       func(e *fault.Error) error { return &types.ModelNotReadyException{Message: e.Message} },
	fault.NotImplemented: func(e *fault.Error) error { return &types.ValidationException{Message: e.Message} },
	fault.Canceled:       func(e *fault.Error) error { return &types.InternalServerException{Message: e.Message} },
}

func modelError(e *fault.Error) error {
	x := &types.ModelErrorException{Message: e.Message, ResourceName: e.Resource}
	if e.OriginalStatus != 0 {
		x.OriginalStatusCode = &e.OriginalStatus
	}
	return x
}

func runtimeInvalid(message string, _ []smithy.Violation) error {
	return &types.ValidationException{Message: message}
}

// InStream turns err into what may end an event stream of bedrock-runtime. Streams
// know fewer exceptions than operations do: what an upstream did wrong is a
// ModelStreamErrorException there.
func InStream(err error) error {
	mapped := For("bedrock-runtime").Map(err)
	switch x := mapped.(type) { //nolint:errorlint // Map returns exceptions unwrapped
	case *types.InternalServerException, *types.ModelStreamErrorException, *types.ValidationException,
		*types.ThrottlingException, *types.ServiceUnavailableException:
		return mapped
	case *types.ModelErrorException:
		return &types.ModelStreamErrorException{Message: x.Message, OriginalStatusCode: x.OriginalStatusCode}
	case *types.ModelTimeoutException:
		return &types.ModelStreamErrorException{Message: x.Message}
	case *types.AccessDeniedException:
		return &types.ValidationException{Message: x.Message}
	}
	return &types.InternalServerException{Message: internalText}
}
