package wire_test

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/wire/awsquery"
)

func TestConformanceAWSQuery(t *testing.T) {
	conformance(t, "awsQuery", map[string]func(*testing.T, *caseRun){
		"request":  restRequest,
		"response": queryResponse,
		"error":    queryError,
	})
}

func queryResponse(t *testing.T, c *caseRun) {
	got := awsquery.Output(c.op, c.svc.XMLNamespace, "abc-123", c.params(t, c.op.Output, c.Params))
	if c.Body != nil {
		wantXML(t, string(got), *c.Body)
	}
}

func queryError(t *testing.T, c *caseRun) {
	s := c.model.Schema(c.Service, c.Shape)
	if s.Status != c.Code {
		t.Errorf("status %d, want %d", s.Status, c.Code)
	}
	got := awsquery.Error("", "foo-id", s.Error, "", s.Status, c.params(t, s, c.Params))
	wantXML(t, string(got), *c.Body)
}

func wantXML(t *testing.T, got, want string) {
	t.Helper()
	g, w := flatten(t, got), flatten(t, want)
	if !strings.Contains(want, "ResponseMetadata") {
		g = slices.DeleteFunc(g, func(s string) bool { return strings.Contains(s, "/ResponseMetadata") })
	}
	if !strings.Contains(want, "xmlns=") {
		for i := range g {
			g[i] = strings.ReplaceAll(g[i], `[xmlns=https://example.com/]`, "")
		}
	}
	if diff := cmp.Diff(g, w); diff != "" {
		t.Errorf("XML (-got +want):\n%s\n%s", diff, got)
	}
}

// flatten lists a document's elements as paths with attributes and text, in order
// but for siblings that are map entries, whose order is open.
func flatten(t *testing.T, doc string) []string {
	t.Helper()
	var out, path []string
	text := ""
	dec := xml.NewDecoder(strings.NewReader(doc))
	for {
		tok, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			slices.Sort(out)
			return out
		}
		if err != nil {
			t.Fatalf("%v in %s", err, doc)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			step := tok.Name.Local
			for _, a := range tok.Attr {
				step += "[" + strings.TrimPrefix(a.Name.Space+":"+a.Name.Local, ":") + "=" + a.Value + "]"
			}
			path, text = append(path, step), ""
		case xml.CharData:
			text += string(tok)
		case xml.EndElement:
			out = append(out, "/"+strings.Join(path, "/")+" = "+strings.TrimSpace(text))
			path, text = path[:len(path)-1], ""
		}
	}
}
