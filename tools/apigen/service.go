package main

import (
	"fmt"
	"net/http"
	"strings"
)

// service emits the Service interface, Unimplemented and the Model.
func (g *generator) service() error {
	g.p("// Service is the API. Errors that are modelled reach the client as they are.")
	g.p("type Service interface {")
	for _, op := range g.ops {
		g.p("%s", g.signature(op, "ctx context.Context, in *"))
	}
	g.p("}\n")
	g.p("// Unimplemented answers every operation with a *smithy.NotImplementedError. Embed it")
	g.p("// to implement the API step by step.")
	g.p("type Unimplemented struct{}\n")
	g.p("var _ Service = Unimplemented{}\n")
	for _, op := range g.ops {
		g.p("// %s implements Service.", op.Name)
		g.p("func (Unimplemented) %s {", g.signature(op, "context.Context, *"))
		g.p("return nil, &smithy.NotImplementedError{Service: %q, Operation: %q}", g.m.Metadata.EndpointPrefix, op.Name)
		g.p("}\n")
	}
	if err := g.model(); err != nil {
		return err
	}
	for _, op := range g.ops {
		g.operation(op)
	}
	return nil
}

func (g *generator) signature(op *operation, params string) string {
	return fmt.Sprintf("%s(%s%s) (*%s, error)", op.Name, params, g.idents[op.Input.Shape], g.idents[op.Output.Shape])
}

func (g *generator) model() error {
	md := g.m.Metadata
	signing := md.SigningName
	if signing == "" {
		signing = md.EndpointPrefix
	}
	protocols, err := protocolNames(md)
	if err != nil {
		return err
	}
	g.p("// Model describes the API and its operations.")
	g.p("var Model = smithy.Service{")
	g.p("Name: %q,", md.EndpointPrefix)
	g.p("SigningName: %q,", signing)
	g.p("SDKID: %q,", md.ServiceID)
	g.p("Protocols: []string{%s},", strings.Join(protocols, ", "))
	g.p("APIVersion: %q,", md.APIVersion)
	if md.TargetPrefix != "" {
		g.p("TargetPrefix: %q,", md.TargetPrefix)
	}
	if md.XMLNamespace.URI != "" {
		g.p("XMLNamespace: %q,", md.XMLNamespace.URI)
	}
	if md.AWSQueryCompatible != nil {
		g.p("QueryCompatible: true,")
	}
	g.p("Operations: []*smithy.Operation{")
	for _, op := range g.ops {
		g.p("&op%s,", op.Name)
	}
	g.p("},")
	g.p("}\n")
	return nil
}

// protocolNames maps botocore's names of protocols to smithy's constants.
func protocolNames(md metadata) ([]string, error) {
	all := md.Protocols
	if len(all) == 0 {
		all = []string{md.Protocol}
	}
	var out []string
	for _, p := range all {
		switch {
		case p == "rest-json":
			out = append(out, "smithy.RestJSON1")
		case p == "json" && md.JSONVersion == "1.0":
			out = append(out, "smithy.AWSJSON10")
		case p == "json":
			out = append(out, "smithy.AWSJSON11")
		case p == "query":
			out = append(out, "smithy.AWSQuery")
		case p == "rest-xml":
			out = append(out, "smithy.RestXML")
		case p == "smithy-rpc-v2-cbor":
			out = append(out, "smithy.RPCV2CBOR")
		default:
			return nil, fmt.Errorf("unknown protocol %q", p)
		}
	}
	return out, nil
}

func (g *generator) operation(op *operation) {
	in, out := g.idents[op.Input.Shape], g.idents[op.Output.Shape]
	code := op.HTTP.ResponseCode
	if code == 0 {
		code = http.StatusOK
	}
	g.p("var op%s = smithy.Operation{", op.Name)
	g.p("Name: %q, Method: %q, URI: %q, Code: %d,", op.Name, op.HTTP.Method, op.HTTP.RequestURI, code)
	g.p("Input: &schema%s, Output: &schema%s,", in, out)
	if len(op.Errors) > 0 {
		var errs []string
		for _, e := range op.Errors {
			errs = append(errs, "&schema"+g.idents[e.Shape])
		}
		g.p("Errors: []*smithy.Schema{%s},", strings.Join(errs, ", "))
	}
	if g.streams(op.Input.Shape) {
		g.p("InputStream: true,")
	}
	if g.streams(op.Output.Shape) {
		g.p("OutputStream: true,")
	}
	if _, ok := g.m.Paginators.Pagination[op.Name]; ok {
		g.p("Paginated: true,")
	}
	g.p("NewInput: func() smithy.Struct { return new(%s) },", in)
	g.p("NewOutput: func() smithy.Struct { return new(%s) },", out)
	g.p("Invoke: func(ctx context.Context, impl any, in smithy.Struct) (smithy.Struct, error) {")
	g.p("return smithy.Invoke(ctx, impl, in, Service.%s)", op.Name)
	g.p("},")
	g.p("}\n")
}

// streams says whether a struct has an event stream.
func (g *generator) streams(name string) bool {
	for _, m := range g.m.Shapes[name].Members {
		if g.m.Shapes[m.Shape].EventStream {
			return true
		}
	}
	return false
}
