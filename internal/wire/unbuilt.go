package wire

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/awsquery"
	"github.com/outcrop-ai/outcrop/internal/wire/jsoncodec"
	"github.com/outcrop-ai/outcrop/internal/wire/xmlcodec"
)

// This file answers requests of protocols that are not built: awsJson 1.0 and 1.1 and
// rpcv2Cbor. Their callers are authenticated like any other, and get an error that names
// the operation, in a form that their clients read.

// unbuilt is one of those protocols, with what its request names.
type unbuilt struct {
	prefix, name string // the service's target prefix, and the operation
	cbor         bool
}

// unbuiltRequest returns what a request of these protocols names; ok is false when r is none.
func unbuiltRequest(r *http.Request) (u unbuilt, ok bool) {
	if r.Method != http.MethodPost {
		return u, false
	}
	path := r.URL.Path
	if target := r.Header.Get("X-Amz-Target"); target != "" && path == "/" {
		u.prefix, u.name, _ = strings.Cut(target, ".")
		return u, true
	}
	if r.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" {
		return u, false
	}
	u.cbor = true
	// A path may stand before these segments, and names may be namespaced.
	_, rest, ok := cutLast(path, "/service/")
	if !ok {
		return u, false
	}
	u.prefix, u.name, ok = strings.Cut(rest, "/operation/")
	return u, ok
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// addUnbuilt enters a service that speaks one of these protocols.
func (t *table) addUnbuilt(svc *service, cfg *Config) {
	t.byTarget[svc.Model.TargetPrefix] = svc
	svc.byName = map[string]*operation{}
	for _, op := range svc.Model.Operations {
		svc.byName[op.Name] = &operation{Operation: op, svc: svc, limit: cfg.limit(svc.Model.Name, op.Name)}
	}
}

// routeUnbuilt finds the service of a request of these protocols.
func (x *exchange) routeUnbuilt(u unbuilt, s scope) error {
	x.proto = u
	svc := x.h.table.byTarget[u.prefix]
	if svc == nil || s.service != "" && s.service != svc.Model.SigningName {
		return &ProtocolError{
			Code: "UnknownOperationException", Status: http.StatusNotFound,
			Message: fmt.Sprintf("No service here has the operation %s of %s.", clip(u.name), clip(u.prefix)),
		}
	}
	x.svc = svc
	x.limit = x.h.cfg.limit(svc.Model.Name, u.name)
	return nil
}

// operation refuses every operation: it is called once the caller is known.
func (u unbuilt) operation(x *exchange) error {
	if x.op = x.svc.byName[u.name]; x.op == nil {
		return &ProtocolError{
			Code: "UnknownOperationException", Status: http.StatusNotFound,
			Message: fmt.Sprintf("%s has no operation %s that is known here.", x.svc.Model.SDKID, clip(u.name)),
		}
	}
	x.call.Operation = u.name
	return &smithy.NotImplementedError{Service: x.svc.Model.Name, Operation: u.name}
}

var errUnbuilt = errors.New("the protocol is not built")

func (unbuilt) input(*exchange, smithy.Struct) error  { return errUnbuilt }
func (unbuilt) output(*exchange, smithy.Struct) error { return errUnbuilt }

func (u unbuilt) modelled(x *exchange, e smithy.Struct) {
	s := e.Schema()
	message := ""
	if err, ok := e.(error); ok { // "Code: message"
		message = strings.TrimPrefix(err.Error(), s.Error+": ")
	}
	u.unmodelled(x, &ProtocolError{Code: s.Error, Status: s.Status, Message: message})
}

func (u unbuilt) unmodelled(x *exchange, e APIError) {
	h := x.w.Header()
	code, status := e.ErrorCode(), e.HTTPStatusCode()
	h["X-Amzn-Errortype"] = []string{code}
	if x.svc != nil && x.svc.Model.QueryCompatible {
		blame := "Sender"
		if status >= http.StatusInternalServerError {
			blame = "Receiver"
		}
		h["X-Amzn-Query-Error"] = []string{code + ";" + blame}
	}
	if u.cbor {
		h["Smithy-Protocol"] = []string{"rpc-v2-cbor"}
		h["Content-Type"] = []string{"application/cbor"}
		x.send(status, cborTexts("__type", code, "message", e.ErrorMessage()))
		return
	}
	h["Content-Type"] = []string{jsonVersion(x.r)}
	body := jsoncodec.AppendString([]byte(`{"__type":`), code)
	body = jsoncodec.AppendString(append(body, `,"message":`...), e.ErrorMessage())
	x.send(status, append(body, '}'))
}

// unservedXML is for requests of clients that read XML and whose service is none of the
// handler's: they are told so before anybody asks who they are.
type unservedXML struct {
	s3 bool // in S3's form, else in the query protocol's
}

// unserved returns the protocol to refuse r in, when it is for a service that is not here.
func unserved(r *http.Request, s scope) (protocol, bool) {
	switch {
	case s.service == "s3":
		return unservedXML{s3: true}, true
	case r.Method == http.MethodPost && isForm(r.Header.Get("Content-Type")):
		return unservedXML{}, true
	}
	return nil, false
}

func (unservedXML) operation(*exchange) error             { return errUnbuilt }
func (unservedXML) input(*exchange, smithy.Struct) error  { return errUnbuilt }
func (unservedXML) output(*exchange, smithy.Struct) error { return errUnbuilt }
func (unservedXML) modelled(x *exchange, _ smithy.Struct) {
	unservedXML{}.unmodelled(x, internalError())
}

func (u unservedXML) unmodelled(x *exchange, e APIError) {
	body := awsquery.Error("", x.call.RequestID, e.ErrorCode(), e.ErrorMessage(), e.HTTPStatusCode(), nil)
	x.w.Header()["Content-Type"] = []string{awsquery.ContentType}
	if u.s3 {
		x.w.Header()["Content-Type"] = []string{"application/xml"}
		var w xmlcodec.Writer
		w.Open("Error", "")
		w.Text("Code", e.ErrorCode())
		w.Text("Message", e.ErrorMessage())
		w.Text("RequestId", x.call.RequestID)
		w.Close("Error")
		body = w.Written()
	}
	x.send(e.HTTPStatusCode(), body)
}

// jsonVersion returns the media type of the version of awsJson that r speaks.
func jsonVersion(r *http.Request) string {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-amz-json-1.0") {
		return "application/x-amz-json-1.0"
	}
	return "application/x-amz-json-1.1"
}

// cborTexts returns the CBOR of a map of up to 23 texts to texts, RFC 8949.
func cborTexts(pairs ...string) []byte {
	out := []byte{0xa0 | byte(len(pairs)/2)} //nolint:gosec // its callers write a few
	for _, s := range pairs {
		s = strings.ToValidUTF8(s, "\uFFFD")
		switch n := len(s); {
		case n < 24:
			out = append(out, 0x60|byte(n))
		case n < 1<<8:
			out = append(out, 0x78, byte(n))
		default:
			s = strings.ToValidUTF8(s[:min(n, 1<<16-1)], "")
			out = append(out, 0x79, byte(len(s)>>8), byte(len(s))) //nolint:gosec // at most sixteen bits
		}
		out = append(out, s...)
	}
	return out
}
