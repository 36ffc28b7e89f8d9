package auth

import "net/http"

// Reason says why a request was not believed.
type Reason uint8

// The reasons.
const (
	MissingToken     Reason = iota + 1 // no credentials in the request at all
	Incomplete                         // the signature's parts are missing or not well-formed
	UnknownKey                         // no such access key, API key or session token
	BadSignature                       // the signature, its scope or its signed headers do not fit
	Skewed                             // signed too long ago or in the future
	ExpiredToken                       // the credential's own time is over
	ExpiredURL                         // the presigned URL's time is over
	BodyMismatch                       // the body is not the one that was signed
	UnsignedHeaders                    // s3: an x-amz-* header is not signed
	UnsupportedForm                    // SigV4a, or a streaming payload
	AmbiguousRequest                   // signed twice, or a parameter given twice
)

// Error is a request that was not believed, in the words of the service it was sent to.
type Error struct {
	Reason  Reason
	Code    string // AWS's name for it: "UnrecognizedClientException"
	Status  int    // HTTP status
	Message string // AWS's wording where there is one
	Detail  string // for the logs: what the server computed; may be empty, never a secret
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// ErrorCode returns Code, for protocols that know errors by this method.
func (e *Error) ErrorCode() string { return e.Code }

// ErrorMessage returns Message.
func (e *Error) ErrorMessage() string { return e.Message }

// HTTPStatusCode returns Status.
func (e *Error) HTTPStatusCode() int { return e.Status }

// answer is how one family of services reports a reason.
type answer struct {
	code    string
	status  int
	message string // used when the failure brings no text of its own
}

const (
	mismatchText = "The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	invalidTokenText = "The security token included in the request is invalid."
	expiredTokenText = "The security token included in the request is expired"
)

// answerFor returns the answer of the service's family: those with JSON or CBOR
// protocols, those with the query protocol (iam, sts, sns), and s3. Anthropic's and
// OpenAI's doors translate the Reason themselves.
func answerFor(service string, reason Reason) answer {
	switch service {
	case "iam", "sts", "sns":
		return queryAnswer(reason)
	case serviceS3:
		return s3Answer(reason)
	}
	return jsonAnswer(reason)
}

func jsonAnswer(reason Reason) answer {
	switch reason {
	case MissingToken:
		return answer{"MissingAuthenticationTokenException", http.StatusForbidden, "Missing Authentication Token"}
	case Incomplete, UnsupportedForm, AmbiguousRequest:
		return answer{"IncompleteSignatureException", http.StatusForbidden, ""}
	case UnknownKey:
		return answer{"UnrecognizedClientException", http.StatusForbidden, invalidTokenText}
	case ExpiredToken:
		return answer{"ExpiredTokenException", http.StatusForbidden, expiredTokenText}
	default:
		return answer{"InvalidSignatureException", http.StatusForbidden, mismatchText}
	}
}

func queryAnswer(reason Reason) answer {
	switch reason {
	case MissingToken:
		return answer{"MissingAuthenticationToken", http.StatusForbidden, "Request is missing Authentication Token"}
	case Incomplete, UnsupportedForm, AmbiguousRequest:
		return answer{"IncompleteSignature", http.StatusBadRequest, ""}
	case UnknownKey:
		return answer{"InvalidClientTokenId", http.StatusForbidden, invalidTokenText}
	case ExpiredToken:
		return answer{"ExpiredToken", http.StatusForbidden, expiredTokenText}
	default:
		return answer{"SignatureDoesNotMatch", http.StatusForbidden, mismatchText}
	}
}

func s3Answer(reason Reason) answer {
	switch reason {
	case MissingToken:
		return answer{"AccessDenied", http.StatusForbidden, "Access Denied"}
	case Incomplete:
		return answer{"AuthorizationHeaderMalformed", http.StatusBadRequest, ""}
	case AmbiguousRequest:
		return answer{"InvalidArgument", http.StatusBadRequest, ""}
	case UnsupportedForm:
		return answer{"NotImplemented", http.StatusNotImplemented, ""}
	case UnknownKey:
		return answer{"InvalidAccessKeyId", http.StatusForbidden, "The AWS Access Key Id you provided does not exist in our records."}
	case Skewed:
		return answer{"RequestTimeTooSkewed", http.StatusForbidden, "The difference between the request time and the current time is too large."}
	case ExpiredToken:
		return answer{"ExpiredToken", http.StatusBadRequest, "The provided token has expired."}
	case ExpiredURL:
		return answer{"AccessDenied", http.StatusForbidden, "Request has expired"}
	case UnsignedHeaders:
		return answer{"AccessDenied", http.StatusForbidden, "There were headers present in the request which were not signed"}
	case BodyMismatch:
		return answer{"XAmzContentSHA256Mismatch", http.StatusBadRequest, "The provided 'x-amz-content-sha256' header does not match what was computed."}
	default:
		return answer{"SignatureDoesNotMatch", http.StatusForbidden, "The request signature we calculated does not match the signature you provided. Check your key and signing method."}
	}
}

// newError returns the service's error for a reason. A message of the failure's own
// takes the place of the family's, except where s3 words all such failures alike.
func newError(service string, reason Reason, message string) *Error {
	a := answerFor(service, reason)
	if message == "" || service == serviceS3 && (reason == Skewed || reason == ExpiredURL) {
		message = a.message
	}
	return &Error{Reason: reason, Code: a.code, Status: a.status, Message: message}
}
