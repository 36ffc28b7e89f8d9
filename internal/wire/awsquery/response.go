package awsquery

import (
	"strings"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/xmlcodec"
)

// ContentType is the media type of responses.
const ContentType = "text/xml"

// Output returns the response body of an operation.
func Output(op *smithy.Operation, xmlns, requestID string, out smithy.Struct) []byte {
	var w xmlcodec.Writer
	w.Open(op.Name+"Response", xmlns)
	if len(op.Output.Members) > 0 {
		w.Open(op.Name+"Result", "")
		w.Members(out)
		w.Close(op.Name + "Result")
	}
	w.Open("ResponseMetadata", "")
	w.Text("RequestId", requestID)
	w.Close("ResponseMetadata")
	w.Close(op.Name + "Response")
	return w.Written()
}

// Error returns the response body of an error. e holds its members; without it
// there is the message only.
func Error(xmlns, requestID, code, message string, status int, e smithy.Struct) []byte {
	var w xmlcodec.Writer
	w.Open("ErrorResponse", xmlns)
	w.Open("Error", "")
	if status < 500 {
		w.Text("Type", "Sender")
	} else {
		w.Text("Type", "Receiver")
	}
	w.Text("Code", code)
	if e != nil {
		w.Members(capitalized{e})
	} else {
		w.Text("Message", message)
	}
	w.Close("Error")
	w.Text("RequestId", requestID)
	w.Close("ErrorResponse")
	return w.Written()
}

// capitalized is an error whose message goes by the name that clients look for,
// whatever its model says.
type capitalized struct{ smithy.Struct }

// Schema implements smithy.Struct.
func (c capitalized) Schema() *smithy.Schema {
	s := c.Struct.Schema()
	for i := range s.Members {
		if s.Members[i].Name != "Message" && strings.EqualFold(s.Members[i].Name, "message") {
			renamed := *s
			renamed.Members = append([]smithy.Member(nil), s.Members...)
			renamed.Members[i].WireName = "Message"
			return &renamed
		}
	}
	return s
}
