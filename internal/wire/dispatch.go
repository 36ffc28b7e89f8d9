package wire

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/jsoncodec"
	"github.com/outcrop-ai/outcrop/internal/wire/restjson"
	"github.com/outcrop-ai/outcrop/internal/wire/route"
)

// service is a Service that is ready to serve.
type service struct {
	Service
	query map[string]*operation // by name, when it speaks the query protocol
	// byName holds them when it speaks a protocol of unbuilt's.
	byName map[string]*operation
}

// operation is an operation that is ready to serve.
type operation struct {
	*smithy.Operation
	svc   *service
	rest  *restjson.Operation // nil unless the service speaks restJson1
	limit int64
}

// routes is a router of one or several services. Operations of different services
// may share a pattern; choose picks one.
type routes = route.Router[[]*operation]

// table finds the operation of a request.
type table struct {
	byScope  map[string]*routes  // REST services by signing name
	byPath   *routes             // all of them, for requests without a scope
	query    map[string]*service // query services by signing name
	versions []*service          // and in order
	byTarget map[string]*service // services of unbuilt protocols by target prefix
	// scopeOnly are the signing names of services whose paths overlap all others.
	scopeOnly map[string]bool
}

func newTable(cfg Config, pool *jsoncodec.Pool) (*table, error) {
	t := &table{byScope: map[string]*routes{}, query: map[string]*service{}, byTarget: map[string]*service{}, scopeOnly: map[string]bool{}}
	scopes := map[string][]*operation{}
	var all []*operation
	for _, s := range cfg.Services {
		if s.Model == nil || s.Impl == nil {
			return nil, errors.New("wire: a service has no model or no implementation")
		}
		svc := &service{Service: s}
		t.scopeOnly[s.Model.SigningName] = s.ScopeOnly
		ops, err := t.addService(svc, &cfg, pool)
		if err != nil {
			return nil, fmt.Errorf("wire: service %s: %w", s.Model.Name, err)
		}
		scopes[s.Model.SigningName] = append(scopes[s.Model.SigningName], ops...)
		if !s.ScopeOnly {
			all = append(all, ops...)
		}
	}
	var err error
	for name, ops := range scopes {
		if t.byScope[name], err = newRoutes(ops); err != nil {
			return nil, fmt.Errorf("wire: %w", err)
		}
	}
	if t.byPath, err = newRoutes(all); err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	return t, nil
}

// addService prepares svc's operations for the protocols that it and this package
// know, and returns those that are found by path.
func (t *table) addService(svc *service, cfg *Config, pool *jsoncodec.Pool) ([]*operation, error) {
	known := false
	var rest []*operation
	for _, p := range svc.Model.Protocols {
		switch p {
		case smithy.AWSQuery:
			known = true
			t.query[svc.Model.SigningName] = svc
			t.versions = append(t.versions, svc)
			svc.query = map[string]*operation{}
			for _, op := range svc.Model.Operations {
				svc.query[op.Name] = &operation{Operation: op, svc: svc, limit: cfg.limit(svc.Model.Name, op.Name)}
			}
		case smithy.AWSJSON10, smithy.AWSJSON11, smithy.RPCV2CBOR:
			known = true
			t.addUnbuilt(svc, cfg)
		case smithy.RestJSON1:
			known = true
			for _, op := range svc.Model.Operations {
				compiled, err := restjson.Compile(op, pool)
				if err != nil {
					return nil, err
				}
				rest = append(rest, &operation{
					Operation: op, svc: svc, rest: compiled, limit: cfg.limit(svc.Model.Name, op.Name),
				})
			}
		}
	}
	if !known {
		return nil, fmt.Errorf("no protocol of %q is built", svc.Model.Protocols)
	}
	return rest, nil
}

// newRoutes enters ops into a router, those that share a pattern together.
func newRoutes(ops []*operation) (*routes, error) {
	var order []string
	groups := map[string][]*operation{}
	for _, op := range ops {
		key := op.Method + " " + anonymous(op.URI)
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], op)
	}
	r := route.New[[]*operation]()
	for _, key := range order {
		group := groups[key]
		for i, op := range group {
			if slices.ContainsFunc(group[:i], func(o *operation) bool { return o.svc == op.svc }) {
				return nil, fmt.Errorf("%s has two operations at %s", op.svc.Model.Name, key)
			}
		}
		if err := r.Add(group[0].Method, group[0].URI, group); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// anonymous returns a pattern without the names of its labels.
func anonymous(uri string) string {
	for _, name := range route.Labels(uri) {
		uri = strings.Replace(uri, "{"+name, "{", 1)
	}
	return uri
}

// rest finds the operation of a REST request.
func (t *table) rest(r *http.Request, s scope) (*operation, [route.MaxLabels]string, bool) {
	router := t.byPath
	if s.service != "" {
		if router = t.byScope[s.service]; router == nil {
			return nil, [route.MaxLabels]string{}, false
		}
	}
	path := r.URL.EscapedPath()
	m, ok := router.Match(r.Method, path, r.URL.RawQuery)
	if !ok || dotted(path) {
		return nil, m.Labels, false
	}
	return choose(m.Value, m.Labels[0]), m.Labels, true
}

// dotted reports whether a segment of path is "." or "..". Signers resolve these
// before they sign, so a signature does not tell which path was meant.
func dotted(path string) bool {
	if !strings.Contains(path, "/.") {
		return false
	}
	for seg := range strings.SplitSeq(path, "/") {
		if seg == "." || seg == ".." {
			return true
		}
	}
	return false
}

// choose picks among operations of different services at one method and URI. There
// is one such case: both agent services tag resources at /tags/{resourceArn}, and
// only sessions are the runtime's.
func choose(group []*operation, label string) *operation {
	if len(group) == 1 {
		return group[0]
	}
	arn, err := url.PathUnescape(label)
	session := err == nil && strings.Contains(arn, ":session/")
	for _, op := range group {
		if (op.svc.Model.Name == "bedrock-agent-runtime") == session {
			return op
		}
	}
	return group[0]
}

// queryService returns the service of a query request, nil when r is none: its path
// is bare and it either is a form or names its action in the URL.
func (t *table) queryService(r *http.Request, s scope) *service {
	if len(t.versions) == 0 || r.URL.Path != "/" {
		return nil
	}
	switch {
	case r.Method == http.MethodPost && isForm(r.Header.Get("Content-Type")):
	case r.Method == http.MethodGet && strings.Contains("&"+r.URL.RawQuery, "&Action="):
	default:
		return nil
	}
	if s.service != "" {
		return t.query[s.service]
	}
	return t.versions[0] // an unsigned request is refused before its form is read
}

func isForm(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded")
}

// scope is what a request says of its signature's scope.
type scope struct {
	region, service string
}

// scopeOf reads the credential's scope from the header or, of a presigned request,
// the query string. It is a claim, for finding the way.
func scopeOf(r *http.Request) scope {
	cred := ""
	if auth := r.Header.Get("Authorization"); strings.HasPrefix(auth, "AWS4-") {
		_, cred, _ = strings.Cut(auth, "Credential=")
		if end := strings.IndexAny(cred, ", "); end >= 0 {
			cred = cred[:end]
		}
	} else if auth == "" {
		if presignedV2(r.URL.RawQuery) {
			return scope{service: "s3"}
		}
		cred = presignedCredential(r.URL.RawQuery)
	}
	// key/date/region/service/aws4_request; a key has no slash.
	f := strings.Split(cred, "/")
	if len(f) != 5 {
		return scope{}
	}
	return scope{region: f[2], service: f[3]}
}

// presignedV2 reports whether a query is a presigned URL of Signature Version 2. It has no
// scope, and s3 alone has such URLs.
func presignedV2(rawQuery string) bool {
	q := "&" + rawQuery
	return strings.Contains(q, "&AWSAccessKeyId=") && strings.Contains(q, "&Signature=")
}

func presignedCredential(rawQuery string) string {
	for part := range strings.SplitSeq(rawQuery, "&") {
		if v, ok := strings.CutPrefix(part, "X-Amz-Credential="); ok {
			if cred, err := url.QueryUnescape(v); err == nil {
				return cred
			}
		}
	}
	return ""
}
