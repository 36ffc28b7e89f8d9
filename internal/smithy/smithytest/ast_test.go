package smithytest_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/outcrop-ai/outcrop/internal/sharedtest"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/smithy/smithytest"
)

func loadProtocolTests(t *testing.T) *smithytest.Model {
	t.Helper()
	m, err := smithytest.LoadFile(sharedtest.Path(t, "vectors", "smithy-protocol", "ast.json"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestLoadProtocolTests(t *testing.T) {
	t.Parallel()
	m := loadProtocolTests(t)
	if got, want := len(m.Services), 17; got != want {
		t.Errorf("services: got %d, want %d", got, want)
	}
	const id = "aws.protocoltests.restjson#RestJson"
	svc := m.Service(id)
	if svc == nil {
		t.Fatal("no RestJson service")
	}
	if diff := cmp.Diff(svc.Protocols, []string{smithy.RestJSON1}); diff != "" {
		t.Error(diff)
	}
	for _, op := range svc.Operations {
		if op.Name == "JsonLists" {
			s := op.Input
			i := s.Members[len(s.Members)-1]
			if i.Name != "structureList" || i.WireName != "myStructureList" {
				t.Errorf("last member of JsonLists: got %q as %q", i.Name, i.WireName)
			}
		}
		if op.Name == "DuplexStream" {
			if !op.InputStream || !op.OutputStream {
				t.Error("DuplexStream has no streams")
			}
			if _, ok := op.NewInput().(smithy.EventSink); !ok {
				t.Error("the input of DuplexStream takes no events")
			}
		}
	}
	e := m.Schema(id, "aws.protocoltests.restjson#FooError")
	if e == nil || e.Error != "FooError" || e.Status != 500 {
		t.Errorf("FooError: got %+v", e)
	}
}

// TestParams sets the params of every case on the shape they are for, and writes
// and reads them through a reader and writer of no protocol.
func TestParams(t *testing.T) {
	t.Parallel()
	m := loadProtocolTests(t)
	for _, protocol := range []string{"restJson1", "awsQuery", "rpcv2Cbor", "awsJson1_0", "awsJson1_1", "restXml"} {
		for _, c := range loadCases(t, protocol) {
			id := c.Input
			switch c.Kind {
			case "response":
				id = c.Output
			case "error":
				id = c.Shape
			case "request":
			default:
				continue
			}
			s := m.Schema(c.Service, id)
			if s == nil {
				if len(c.Params) > 0 && string(c.Params) != "{}" {
					t.Errorf("%s: no schema of %s", c.ID, id)
				}
				continue
			}
			v := m.New(s)
			if err := v.SetParams(c.Params); err != nil {
				t.Errorf("%s: %v", c.ID, err)
				continue
			}
			again := m.New(s)
			if err := smithytest.NewReader(v).Struct(again); err != nil {
				t.Errorf("%s: %v", c.ID, err)
				continue
			}
			if diff := cmp.Diff(again.Params(), v.Params(), cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("%s: changed by a copy:\n%s", c.ID, diff)
			}
		}
	}
}

type testCase struct {
	ID, Kind, Service, Input, Output, Shape string
	Params                                  json.RawMessage
}

func loadCases(t *testing.T, protocol string) []testCase {
	t.Helper()
	var cases []testCase
	data, err := os.ReadFile(sharedtest.Path(t, "vectors", "smithy-protocol", "cases-"+protocol+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}
