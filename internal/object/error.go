package object

import (
	"errors"
	"fmt"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// Code is S3's name for a failure.
type Code string

// The codes.
const (
	AccessDenied            Code = "AccessDenied"
	BadDigest               Code = "BadDigest"
	BucketAlreadyExists     Code = "BucketAlreadyExists"
	BucketAlreadyOwnedByYou Code = "BucketAlreadyOwnedByYou"
	BucketNotEmpty          Code = "BucketNotEmpty"
	EntityTooLarge          Code = "EntityTooLarge"
	EntityTooSmall          Code = "EntityTooSmall"
	IncompleteBody          Code = "IncompleteBody"
	InvalidArgument         Code = "InvalidArgument"
	InvalidBucketName       Code = "InvalidBucketName"
	InvalidPart             Code = "InvalidPart"
	InvalidPartNumber       Code = "InvalidPartNumber"
	InvalidPartOrder        Code = "InvalidPartOrder"
	InvalidRange            Code = "InvalidRange"
	InvalidRequest          Code = "InvalidRequest"
	InvalidTag              Code = "InvalidTag"
	KeyTooLong              Code = "KeyTooLongError"
	MetadataTooLarge        Code = "MetadataTooLarge"
	NoSuchBucket            Code = "NoSuchBucket"
	NoSuchKey               Code = "NoSuchKey"
	NoSuchUpload            Code = "NoSuchUpload"
	NotImplemented          Code = "NotImplemented"
	NotModified             Code = "NotModified"
	PreconditionFailed      Code = "PreconditionFailed"
	ServiceUnavailable      Code = "ServiceUnavailable"
	SlowDown                Code = "SlowDown"
)

// Error is a failure that S3 has a name for. To other rooms it is a *fault.Error too,
// of the kind that fits.
type Error struct {
	Code    Code
	Message string // for the client
	Err     error  // the cause, for the logs; may be nil
}

// Errorf returns an *Error whose message is for the client.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err != nil {
		return string(e.Code) + ": " + e.Message + ": " + e.Err.Error()
	}
	return string(e.Code) + ": " + e.Message
}

// Unwrap returns the failure in the terms of package fault.
func (e *Error) Unwrap() error {
	return &fault.Error{Kind: e.Code.kind(), Message: e.Message, Err: e.Err}
}

func (c Code) kind() fault.Kind {
	switch c {
	case AccessDenied:
		return fault.Denied
	case NoSuchBucket, NoSuchKey, NoSuchUpload:
		return fault.NotFound
	case BucketAlreadyExists, BucketAlreadyOwnedByYou, BucketNotEmpty, PreconditionFailed, NotModified:
		return fault.Conflict
	case ServiceUnavailable:
		return fault.Unavailable
	case SlowDown:
		return fault.Throttled
	case NotImplemented:
		return fault.NotImplemented
	default:
		return fault.Invalid
	}
}

// Is reports whether err is an *Error with the code.
func Is(err error, code Code) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}

// The errors that every store has, in S3's words.

// ErrNoBucket is for a bucket that is not there.
func ErrNoBucket() *Error { return Errorf(NoSuchBucket, "The specified bucket does not exist") }

// ErrNoKey is for an object that is not there.
func ErrNoKey() *Error { return Errorf(NoSuchKey, "The specified key does not exist.") }

// ErrNoUpload is for an upload that is not there.
func ErrNoUpload() *Error {
	return Errorf(NoSuchUpload, "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
}

// ErrPrecondition is for a condition that does not hold.
func ErrPrecondition() *Error {
	return Errorf(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}
