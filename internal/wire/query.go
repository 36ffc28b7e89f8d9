package wire

import (
	"fmt"
	"net/http"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/awsquery"
)

// queryProtocol is awsQuery. Its operation is named in the form.
type queryProtocol struct{}

func (queryProtocol) operation(x *exchange) error {
	form, err := x.queryForm()
	if err != nil {
		return err
	}
	x.form = form
	action, ok := form.Get("Action")
	if !ok {
		return &ProtocolError{
			Code: "MissingAction", Status: http.StatusBadRequest,
			Message: "The request must contain the parameter Action.",
		}
	}
	if x.op = x.svc.query[action]; x.op == nil {
		version, _ := form.Get("Version")
		return &ProtocolError{
			Code: "InvalidAction", Status: http.StatusBadRequest,
			Message: fmt.Sprintf("Could not find operation %s for version %s", clip(action), clip(version)),
		}
	}
	if int64(len(x.body)) > x.op.limit {
		return tooLarge(x.op.limit)
	}
	return nil
}

// queryForm reads the form from the body or, of a GET, from the URL.
func (x *exchange) queryForm() (*awsquery.Form, error) {
	if x.r.Method == http.MethodGet {
		return awsquery.ParseForm(x.r.URL.RawQuery)
	}
	return awsquery.ParseForm(string(x.body))
}

func (queryProtocol) input(x *exchange, in smithy.Struct) error {
	return smithy.ReadValid(awsquery.NewReader(x.form), in)
}

func (queryProtocol) output(x *exchange, out smithy.Struct) error {
	x.w.Header()["Content-Type"] = []string{awsquery.ContentType}
	x.send(http.StatusOK, awsquery.Output(x.op.Operation, x.svc.Model.XMLNamespace, x.call.RequestID, out))
	return nil
}

func (queryProtocol) modelled(x *exchange, e smithy.Struct) {
	s := e.Schema()
	status := s.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	x.w.Header()["Content-Type"] = []string{awsquery.ContentType}
	x.send(status, awsquery.Error(x.svc.Model.XMLNamespace, x.call.RequestID, s.Error, "", status, e))
}

// queryCodes are the names that the query protocol has for errors of the others.
var queryCodes = map[string]string{
	"SerializationException":         "MalformedInput",
	"ValidationException":            "ValidationError",
	"InternalServerException":        "InternalFailure",
	"NotImplementedException":        "NotImplemented",
	"RequestEntityTooLargeException": "RequestEntityTooLarge",
	"RequestTimeoutException":        "RequestTimeout",
	"ThrottlingException":            "Throttling",
	"ServiceUnavailableException":    "ServiceUnavailable",
	"AccessDeniedException":          "AccessDenied",
}

func (queryProtocol) unmodelled(x *exchange, e APIError) {
	code := e.ErrorCode()
	if own, ok := queryCodes[code]; ok {
		code = own
	}
	x.w.Header()["Content-Type"] = []string{awsquery.ContentType}
	body := awsquery.Error(x.svc.Model.XMLNamespace, x.call.RequestID, code, e.ErrorMessage(), e.HTTPStatusCode(), nil)
	x.send(e.HTTPStatusCode(), body)
}
