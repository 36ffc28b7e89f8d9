package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/iam"
)

// FuzzBodies sends bodies of any form to the whole server: whatever they are, the client
// learns what is wrong with them, and it is never the server's own failure.
func FuzzBodies(f *testing.F) {
	const anthropicBody = `{"anthropic_version":"bedrock-2023-05-31","max_tokens":10,"messages":[{"role":"user","content":"hello"}]}`
	paths := []string{
		converse("outcrop.reader-v1"), converseStream("outcrop.reader-v1"), "/model/outcrop.reader-v1/invoke", "/model/outcrop.reader-v1/invoke-with-response-stream",
		"/model/outcrop.reader-v1/count-tokens", completions, "/model/" + claude + "/converse",
	}
	for _, body := range []string{
		says("What is this?"), `{"messages":[`, `{}`, anthropicBody, chatBody("outcrop.reader-v1", "hello", `,"stream":true`), `{"input":{"converse":` + says("hello") + `}}`,
		`{"messages":[{"role":"user","content":[{"document":{"format":"csv","name":"a","source":{"bytes":"YSxiCjEsMg=="},"citations":{"enabled":true}}},{"text":"What is a?"}]}]}`,
		`{"messages":[{"role":"user","content":[{"text":"depth of q1"}]}],"toolConfig":{"tools":[{"toolSpec":{"name":"depth","inputSchema":{"json":{"type":"object","properties":{"q":{"type":"string"}},"required":["q"]}}}}],"toolChoice":{"any":{}}}}`,
		`{"messages":[{"role":"user","content":[{"text":"x"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"t","name":"n","input":{}}}]},{"role":"user","content":[{"toolResult":{"toolUseId":"t","content":[{"json":{"a":[1,null]}}]}}]}],"toolConfig":{"tools":[{"toolSpec":{"name":"n","inputSchema":{"json":{}}}}]}}`,
	} {
		for n := range paths {
			f.Add(byte(n), []byte(body))
		}
	}
	shared := start(f)
	made, _ := shared.key(iam.NewKey{Name: "fuzz", Kind: iam.Bearer, Actions: []string{"bedrock:*"}})
	f.Fuzz(func(t *testing.T, n byte, body []byte) {
		i := *shared
		i.t = t
		path := paths[int(n)%len(paths)]
		a := i.do(ask{path: path, bearer: made.Secret, body: string(body)})
		switch {
		case a.status >= 500:
			t.Errorf("%s %q: %d %s\n%s", path, body, a.status, a.body, i.logs)
		case a.status != http.StatusOK && !json.Valid(a.body):
			t.Errorf("%s %q: %d %s", path, body, a.status, a.body)
		case inner.Match(a.body) && !inner.Match(body):
			t.Errorf("%s %q: internal text in %s", path, body, a.body)
		case strings.Contains(string(a.body), "internalServerException") || strings.Contains(i.logs.String(), "panic"):
			t.Errorf("%s %q: %s\n%s", path, body, a.body, i.logs)
		}
	})
}
