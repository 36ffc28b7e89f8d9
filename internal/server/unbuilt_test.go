package server

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"
	"testing"
)

// TestUnbuilt calls what is not built, in each protocol: the answer names the operation in
// a form that the protocol's clients read.
func TestUnbuilt(t *testing.T) {
	t.Parallel()
	i := start(t)
	const says = "is not implemented by Outcrop yet"
	target := func(service, name string) ask {
		return ask{path: "/", service: service, body: "{}", header: map[string]string{"X-Amz-Target": name, "Content-Type": "application/x-amz-json-1.1"}}
	}
	for _, tc := range []struct{ service, prefix, operation string }{
		{"logs", "Logs_20140328", "StartQuery"}, {"monitoring", "GraniteServiceVersion20100801", "ListMetrics"},
	} {
		a := i.do(target(tc.service, tc.prefix+"."+tc.operation))
		var e struct {
			Type    string `json:"__type"`
			Message string
		}
		if err := json.Unmarshal(a.body, &e); err != nil || a.status != http.StatusBadRequest || e.Type != "NotImplemented" || !strings.HasPrefix(e.Message, tc.operation+" "+says) {
			t.Errorf("%s: %d %s (%v)", tc.operation, a.status, a.body, err)
		}
		if got := a.header.Get("X-Amzn-Errortype"); got != "NotImplemented" {
			t.Errorf("%s: x-amzn-errortype %q", tc.operation, got)
		}
		stranger := target(tc.service, tc.prefix+"."+tc.operation)
		stranger.unsigned = true
		if a := i.do(stranger); a.status != http.StatusForbidden || strings.Contains(string(a.body), says) {
			t.Errorf("%s, unsigned: %d %s", tc.operation, a.status, a.body)
		}
	}
	a := i.do(ask{
		path: "/service/GraniteServiceVersion20100801/operation/GetMetricData", service: "monitoring", body: "\xa0",
		header: map[string]string{"Smithy-Protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"},
	})
	if !strings.Contains(string(a.body), "GetMetricData "+says) || a.header.Get("Content-Type") != "application/cbor" || a.status != http.StatusBadRequest {
		t.Errorf("CBOR: %d %q %v", a.status, a.body, a.header)
	}
	for service, form := range map[string]string{
		"iam": "Action=ListUsers&Version=2010-05-08", "sts": "Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::123456789012:role/abc&RoleSessionName=abc",
		"monitoring": "Action=ListMetrics&Version=2010-08-01",
	} {
		a := i.do(ask{path: "/", service: service, body: form, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}})
		var e struct {
			Error     struct{ Type, Code, Message string }
			RequestID string `xml:"RequestId"`
		}
		if err := xml.Unmarshal(a.body, &e); err != nil || a.status != http.StatusBadRequest || e.Error.Code != "NotImplemented" || !strings.Contains(e.Error.Message, says) || e.RequestID == "" {
			t.Errorf("%s: %d %s (%v)", service, a.status, a.body, err)
		}
	}
	if list := i.records(); len(list) != 0 {
		t.Errorf("records: %+v", list)
	}
}
