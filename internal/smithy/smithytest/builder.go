package smithytest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/smithy"
)

// Handler is an implementation of a loaded service.
type Handler interface {
	// Handle answers operation op. in is a *Value, or a *Stream where the input has
	// an event stream.
	Handle(ctx context.Context, op string, in smithy.Struct) (smithy.Struct, error)
}

const unit = "smithy.api#Unit"

// builder makes the schemas of one service.
type builder struct {
	model   *Model
	shapes  map[string]*shape
	schemas map[string]*smithy.Schema
	rename  map[string]string
	json    bool // the service uses jsonName
	xml     bool // the service uses xmlName
}

func (b *builder) service(id string) (*smithy.Service, error) {
	s := b.shapes[id]
	var aws struct{ SDKID, EndpointPrefix string }
	s.Traits.get("aws.api#service", &aws)
	var sigv4 struct{ Name string }
	s.Traits.get("aws.auth#sigv4", &sigv4)
	var ns smithy.Namespace
	s.Traits.get("smithy.api#xmlNamespace", &ns)
	svc := &smithy.Service{
		Name:         aws.EndpointPrefix,
		SigningName:  sigv4.Name,
		SDKID:        aws.SDKID,
		APIVersion:   s.Version,
		TargetPrefix: shapeName(id),
		XMLNamespace: ns.URI,
		Protocols:    b.protocols(s.Traits),

		QueryCompatible: s.Traits.has("aws.protocols#awsQueryCompatible"),
	}
	if svc.Name == "" {
		svc.Name = sigv4.Name
	}
	b.rename = s.Rename
	for _, t := range s.Operations {
		op, err := b.operation(t.Target)
		if err != nil {
			return nil, fmt.Errorf("operation %s: %w", t.Target, err)
		}
		svc.Operations = append(svc.Operations, op)
	}
	return svc, nil
}

// protocols names a service's protocols and notes which names they use.
func (b *builder) protocols(t traits) []string {
	var out []string
	for _, p := range []struct {
		trait, name string
		json, xml   bool
	}{
		{"aws.protocols#restJson1", smithy.RestJSON1, true, false},
		{"aws.protocols#awsJson1_0", smithy.AWSJSON10, false, false},
		{"aws.protocols#awsJson1_1", smithy.AWSJSON11, false, false},
		{"smithy.protocols#rpcv2Cbor", smithy.RPCV2CBOR, false, false},
		{"smithy.protocols#rpcv2Json", "rpcv2Json", true, false},
		{"aws.protocols#awsQuery", smithy.AWSQuery, false, true},
		{"aws.protocols#ec2Query", "ec2Query", false, true},
		{"aws.protocols#restXml", smithy.RestXML, false, true},
	} {
		if t.has(p.trait) {
			out = append(out, p.name)
			b.json = b.json || p.json
			b.xml = b.xml || p.xml
		}
	}
	return out
}

func (b *builder) operation(id string) (*smithy.Operation, error) {
	s, ok := b.shapes[id]
	if !ok {
		return nil, fmt.Errorf("no shape %s", id)
	}
	http := struct {
		Method, URI string
		Code        int
	}{"POST", "/", 200}
	s.Traits.get("smithy.api#http", &http)
	if http.Code == 0 {
		http.Code = 200
	}
	op := &smithy.Operation{
		Name:      shapeName(id),
		Method:    http.Method,
		URI:       http.URI,
		Code:      http.Code,
		Paginated: s.Traits.has("smithy.api#paginated"),
	}
	var err error
	if op.Input, err = b.root(s.Input.Target); err != nil {
		return nil, err
	}
	if op.Output, err = b.root(s.Output.Target); err != nil {
		return nil, err
	}
	for _, t := range s.Errors {
		e, err := b.schema(t.Target)
		if err != nil {
			return nil, err
		}
		op.Errors = append(op.Errors, e)
	}
	op.InputStream = streamMember(op.Input) >= 0
	op.OutputStream = streamMember(op.Output) >= 0
	op.NewInput = func() smithy.Struct { return b.model.newStruct(op.Input) }
	op.NewOutput = func() smithy.Struct { return b.model.newStruct(op.Output) }
	op.Invoke = func(ctx context.Context, impl any, in smithy.Struct) (smithy.Struct, error) {
		h, ok := impl.(Handler)
		if !ok {
			return nil, &smithy.NotImplementedError{Service: "test", Operation: op.Name}
		}
		return h.Handle(ctx, op.Name, in)
	}
	return op, nil
}

// root returns the schema of an input or output; an absent one is a structure
// without members.
func (b *builder) root(id string) (*smithy.Schema, error) {
	if id == "" || id == unit {
		return &smithy.Schema{Name: "Unit", Type: smithy.Structure}, nil
	}
	return b.schema(id)
}

func (b *builder) schema(id string) (*smithy.Schema, error) {
	if s, ok := b.schemas[id]; ok {
		return s, nil
	}
	if t, ok := preludeType(id); ok {
		s := &smithy.Schema{Name: shapeName(id), Type: t}
		b.schemas[id] = s
		return s, nil
	}
	sh, ok := b.shapes[id]
	if !ok {
		return nil, fmt.Errorf("no shape %s", id)
	}
	t, ok := shapeTypes[sh.Type]
	if !ok {
		return nil, fmt.Errorf("shape %s has the unknown type %q", id, sh.Type)
	}
	s := &smithy.Schema{
		Name:      b.name(id),
		Type:      t,
		Sparse:    sh.Traits.has("smithy.api#sparse"),
		Unique:    sh.Traits.has("smithy.api#uniqueItems"),
		Sensitive: sh.Traits.has("smithy.api#sensitive"),
		Streaming: sh.Traits.has("smithy.api#streaming"),
		Timestamp: timestampFormats[sh.Traits.str("smithy.api#timestampFormat")],
		Namespace: namespace(sh.Traits),
	}
	if b.xml {
		s.XMLName = sh.Traits.str("smithy.api#xmlName")
	}
	b.schemas[id] = s // before the members, which may lead back here
	s.Constraints = constraints(sh.Traits, smithy.Constraints{})
	s.Enum = enumValues(sh)
	errorTraits(s, sh.Traits)
	return s, b.members(s, sh)
}

func (b *builder) members(s *smithy.Schema, sh *shape) error {
	list, err := b.flatten(sh)
	if err != nil {
		return err
	}
	for _, name := range list.keys {
		m, err := b.member(name, list.values[name])
		if err != nil {
			return fmt.Errorf("%s.%s: %w", s.Name, name, err)
		}
		s.Members = append(s.Members, m)
	}
	b.defaults(s, list)
	return nil
}

// flatten returns a shape's members, those of its mixins first.
func (b *builder) flatten(sh *shape) (*orderedMap[member], error) {
	list := &orderedMap[member]{}
	switch sh.Type {
	case "list", "set":
		list.add("member", *sh.Member)
	case "map":
		list.add("key", *sh.Key)
		list.add("value", *sh.Value)
	case "structure", "union":
		for _, t := range sh.Mixins {
			mixin, ok := b.shapes[t.Target]
			if !ok {
				return nil, fmt.Errorf("no mixin %s", t.Target)
			}
			inherited, err := b.flatten(mixin)
			if err != nil {
				return nil, err
			}
			for _, k := range inherited.keys {
				list.add(k, inherited.values[k])
			}
		}
		for _, k := range sh.Members.keys {
			list.add(k, sh.Members.values[k])
		}
	}
	return list, nil
}

func (b *builder) member(name string, am member) (smithy.Member, error) {
	t, err := b.schema(am.Target)
	if err != nil {
		return smithy.Member{}, err
	}
	m := smithy.Member{
		Name:             name,
		WireName:         name,
		Schema:           narrowed(t, am.Traits),
		Required:         am.Traits.has("smithy.api#required"),
		Timestamp:        timestampFormats[am.Traits.str("smithy.api#timestampFormat")],
		IdempotencyToken: am.Traits.has("smithy.api#idempotencyToken"),
		Flattened:        am.Traits.has("smithy.api#xmlFlattened"),
		XMLAttribute:     am.Traits.has("smithy.api#xmlAttribute"),
		HostLabel:        am.Traits.has("smithy.api#hostLabel"),
		Namespace:        namespace(am.Traits),
	}
	if b.json && am.Traits.has("smithy.api#jsonName") {
		m.WireName = am.Traits.str("smithy.api#jsonName")
	}
	if b.xml && am.Traits.has("smithy.api#xmlName") {
		m.WireName = am.Traits.str("smithy.api#xmlName")
	}
	if sh, ok := b.shapes[am.Target]; ok {
		m.MediaType = sh.Traits.str("smithy.api#mediaType")
	}
	locate(&m, am.Traits)
	m.JSONValue = m.Location == smithy.Header && m.MediaType == "application/json"
	return m, nil
}

// locate sets where the HTTP binding puts m.
func locate(m *smithy.Member, t traits) {
	for _, l := range []struct {
		trait string
		loc   smithy.Location
	}{
		{"smithy.api#httpLabel", smithy.Label},
		{"smithy.api#httpQuery", smithy.Query},
		{"smithy.api#httpQueryParams", smithy.QueryParams},
		{"smithy.api#httpHeader", smithy.Header},
		{"smithy.api#httpPrefixHeaders", smithy.PrefixHeaders},
		{"smithy.api#httpResponseCode", smithy.StatusCode},
		{"smithy.api#httpPayload", smithy.Payload},
		{"smithy.api#eventHeader", smithy.EventHeader},
		{"smithy.api#eventPayload", smithy.EventPayload},
	} {
		if !t.has(l.trait) {
			continue
		}
		m.Location = l.loc
		m.LocationName = t.str(l.trait)
		if l.loc == smithy.Label {
			m.LocationName = m.Name
		}
	}
}

// narrowed is s, or a copy of it with the constraints that a member adds.
func narrowed(s *smithy.Schema, t traits) *smithy.Schema {
	c := constraints(t, s.Constraints)
	if c == s.Constraints {
		return s
	}
	narrow := *s
	narrow.Constraints = c
	return &narrow
}

func constraints(t traits, c smithy.Constraints) smithy.Constraints {
	var length struct{ Min, Max *int64 }
	if t.get("smithy.api#length", &length) {
		c.MinLength, c.MaxLength = length.Min, length.Max
	}
	var bounds struct{ Min, Max *float64 }
	if t.get("smithy.api#range", &bounds) {
		c.Min, c.Max = bounds.Min, bounds.Max
	}
	if p := t.str("smithy.api#pattern"); p != "" {
		c.Pattern = &smithy.Pattern{Expr: p}
	}
	return c
}

func enumValues(sh *shape) []string {
	var out []string
	for _, name := range sh.Members.keys {
		raw, ok := sh.Members.values[name].Traits["smithy.api#enumValue"]
		switch {
		case sh.Type == "enum" && !ok:
			out = append(out, name)
		case sh.Type == "enum", sh.Type == "intEnum":
			out = append(out, unquote(raw))
		}
	}
	var trait []struct{ Value string }
	sh.Traits.get("smithy.api#enum", &trait)
	for _, e := range trait {
		out = append(out, e.Value)
	}
	return out
}

func unquote(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

func errorTraits(s *smithy.Schema, t traits) {
	if !t.has("smithy.api#error") {
		return
	}
	s.Error = s.Name
	s.Status = 400
	if t.str("smithy.api#error") == "server" {
		s.Status = 500
	}
	t.get("smithy.api#httpError", &s.Status)
	var query struct {
		Code             string
		HTTPResponseCode int
	}
	if t.get("aws.protocols#awsQueryError", &query) {
		s.Error = query.Code
		s.Status = query.HTTPResponseCode
	}
}

func namespace(t traits) *smithy.Namespace {
	var ns smithy.Namespace
	if !t.get("smithy.api#xmlNamespace", &ns) {
		return nil
	}
	return &ns
}

func (b *builder) name(id string) string {
	if n, ok := b.rename[id]; ok {
		return n
	}
	return shapeName(id)
}

// shapeName is the part of a shape ID after its namespace.
func shapeName(id string) string { return id[strings.IndexByte(id, '#')+1:] }

func streamMember(s *smithy.Schema) int {
	for i := range s.Members {
		if t := s.Members[i].Schema; t.Type == smithy.Union && t.Streaming {
			return i
		}
	}
	return -1
}

var timestampFormats = map[string]smithy.TimestampFormat{
	"epoch-seconds": smithy.EpochSeconds,
	"date-time":     smithy.DateTime,
	"http-date":     smithy.HTTPDate,
}

var shapeTypes = map[string]smithy.Type{
	"structure": smithy.Structure, "union": smithy.Union, "list": smithy.List, "set": smithy.List, "map": smithy.Map,
	"string": smithy.String, "enum": smithy.Enum, "intEnum": smithy.IntEnum, "boolean": smithy.Boolean,
	"byte": smithy.Byte, "short": smithy.Short, "integer": smithy.Integer, "long": smithy.Long,
	"float": smithy.Float, "double": smithy.Double, "bigInteger": smithy.BigInteger, "bigDecimal": smithy.BigDecimal,
	"blob": smithy.Blob, "timestamp": smithy.Timestamp, "document": smithy.Document,
}

// preludeType is the type of a shape that every model knows, such as
// smithy.api#PrimitiveInteger.
func preludeType(id string) (smithy.Type, bool) {
	name, ok := strings.CutPrefix(id, "smithy.api#")
	if !ok {
		return 0, false
	}
	if name == "Unit" {
		return smithy.Structure, true
	}
	name = strings.TrimPrefix(name, "Primitive")
	t, ok := shapeTypes[strings.ToLower(name[:1])+name[1:]]
	return t, ok
}

// defaults keeps the values that absent members of s take.
func (b *builder) defaults(s *smithy.Schema, list *orderedMap[member]) {
	for i, name := range list.keys {
		raw, ok := list.values[name].Traits["smithy.api#default"]
		if !ok || string(raw) == "null" {
			continue
		}
		v, err := b.model.fromDefault(s.Members[i].Schema, raw)
		if err != nil {
			continue // a default of another type than its member's
		}
		if b.model.defaults[s] == nil {
			b.model.defaults[s] = make([]any, len(list.keys))
		}
		b.model.defaults[s][i] = v
	}
}
