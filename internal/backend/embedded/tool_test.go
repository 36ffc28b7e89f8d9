package embedded

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
	"github.com/outcrop-ai/outcrop/internal/sharedtest"
)

func tool(name, description, schema string) llm.Tool {
	return llm.Tool{Name: name, Description: description, InputSchema: json.RawMessage(schema)}
}

var (
	weather = tool("get_weather", "Get the current weather for a city", `{"type":"object","properties":{"city":{"type":"string","description":"City name"},"unit":{"type":"string","enum":["celsius","fahrenheit"]}},"required":["city"]}`)
	mail    = tool("send_email", "Send an email to somebody", `{"type":"object","properties":{"to":{"type":"string","format":"email"},"subject":{"type":"string"},"body":{"type":"string"}},"required":["to","subject"]}`)
	flight  = tool("book_flight", "Book a flight between two cities", `{"type":"object","properties":{"origin":{"type":"string"},"destination":{"type":"string"},"date":{"type":"string","description":"Date in the format YYYY-MM-DD"},"passengers":{"type":"integer","default":1}},"required":["origin","destination","date"]}`)
	area    = tool("rectangle_area", "Compute the area of a rectangle", `{"type":"object","properties":{"width":{"type":"number"},"height":{"type":"number"}},"required":["width","height"]}`)
	user42  = tool("get_user", "Look up a user and the ID of their team", `{"type":"object","properties":{"user_id":{"type":"integer"}},"required":["user_id"]}`)
	team    = tool("get_team", "Look up the name of a team by its ID", `{"type":"object","properties":{"team_id":{"type":"string"}},"required":["team_id"]}`)
)

// calls writes the calls of an answer one a line.
func calls(resp *llm.ChatResponse) string {
	var sb strings.Builder
	for _, b := range resp.Message.Content {
		if u, ok := b.(*llm.ToolUse); ok {
			sb.WriteString(u.Name + string(u.Input) + "\n")
		}
	}
	return strings.TrimSpace(sb.String())
}

func TestCalls(t *testing.T) {
	t.Parallel()
	all := []llm.Tool{weather, mail, flight, area}
	f := func(question, want string) {
		t.Helper()
		resp := chat(t, &llm.ChatRequest{Messages: []llm.Message{user(words(question))}, Tools: all})
		if got := calls(resp); got != want {
			t.Errorf("%s\n got: %s\nwant: %s\nsaid: %s", question, got, want, said(resp))
		}
		wantStop := llm.StopToolUse
		if want == "" {
			wantStop = llm.EndTurn
		}
		if resp.StopReason != wantStop {
			t.Errorf("%s: stop reason %q, want %q", question, resp.StopReason, wantStop)
		}
	}
	f("What's the weather in Oslo in celsius?", `get_weather{"city":"Oslo","unit":"celsius"}`)
	f("What's the weather in Paris, London and Rome?", `get_weather{"city":"Paris"}`+"\n"+`get_weather{"city":"London"}`+"\n"+`get_weather{"city":"Rome"}`)
	f(`Send an email to ann@example.com with the subject "Lunch" and the body "At noon?"`, `send_email{"to":"ann@example.com","subject":"Lunch","body":"At noon?"}`)
	f("Book a flight from Lisbon to New York on March 3rd, 2027 for 2 passengers", `book_flight{"origin":"Lisbon","destination":"New York","date":"2027-03-03","passengers":2}`)
	f("What is the area of a rectangle with a height of 2.5 m and a width of 4 m?", `rectangle_area{"width":4,"height":2.5}`)
	f("Compute the area of a rectangle with width=3 and height=7, then check the weather in Bergen.", `rectangle_area{"width":3,"height":7}`+"\n"+`get_weather{"city":"Bergen"}`)
	f("Who wrote the Iliad?", "")
	f("Hello there!", "")
	f("Write a poem about autumn.", "")
}

func TestAsksForWhatIsMissing(t *testing.T) {
	t.Parallel()
	first := user(words("Book a flight to Madrid on 2027-05-01."))
	resp := chat(t, &llm.ChatRequest{Messages: []llm.Message{first}, Tools: []llm.Tool{flight}})
	if got := said(resp); calls(resp) != "" || !strings.Contains(got, "book_flight") || !strings.Contains(got, "origin") {
		t.Fatalf("calls %q, said %q: want a question for the origin", calls(resp), got)
	}
	resp = chat(t, &llm.ChatRequest{Messages: []llm.Message{first, assistant(words(said(resp))), user(words("From Porto"))}, Tools: []llm.Tool{flight}})
	if got, want := calls(resp), `book_flight{"origin":"Porto","destination":"Madrid","date":"2027-05-01"}`; got != want {
		t.Errorf("after the answer: calls %q, want %q", got, want)
	}
}

func TestChoice(t *testing.T) {
	t.Parallel()
	f := func(name string, choice llm.ToolChoice, question, want string) {
		t.Helper()
		resp := chat(t, &llm.ChatRequest{Messages: []llm.Message{user(words(question))}, Tools: []llm.Tool{weather, area}, ToolChoice: choice})
		if got := calls(resp); got != want {
			t.Errorf("%s: calls %q, want %q", name, got, want)
		}
	}
	f("none", llm.ToolChoice{Mode: llm.ToolNone}, "What's the weather in Rome?", "")
	f("any, and nothing fits", llm.ToolChoice{Mode: llm.ToolAny}, "Tell me a joke", `get_weather{"city":""}`)
	f("the other tool", llm.ToolChoice{Mode: llm.ToolNamed, Name: "rectangle_area"}, "What's the weather in Rome?", `rectangle_area{"width":0,"height":0}`)
	f("one at a time", llm.ToolChoice{DisableParallel: true}, "What's the weather in Rome and Pisa?", `get_weather{"city":"Rome"}`)
}

func TestResults(t *testing.T) {
	t.Parallel()
	use := func(id, name, input string) *llm.ToolUse {
		return &llm.ToolUse{ID: id, Name: name, Input: json.RawMessage(input)}
	}
	result := func(id, value string) *llm.ToolResult {
		return &llm.ToolResult{ToolUseID: id, Content: []llm.Block{&llm.JSON{Value: json.RawMessage(value)}}}
	}
	tests := []struct {
		name     string
		question string
		uses     []llm.Block
		results  []llm.Block
		want     string
	}{
		{"value", "What is the disk usage of node n7?", []llm.Block{use("1", "get_disk", `{"node":"n7"}`)}, []llm.Block{result("1", `{"disk_usage":81.5,"window":"last_day"}`)}, "The disk usage of node n7 is 81.5 (window: last day)."},
		{"other question", "Is it warm in Rome?", []llm.Block{use("1", "get_weather", `{"city":"Rome"}`)}, []llm.Block{result("1", `{"temperature":21}`)}, "The temperature is 21."},
		{"several", "What's the weather in Rome and Pisa?", []llm.Block{use("1", "get_weather", `{"city":"Rome"}`), use("2", "get_weather", `{"city":"Pisa"}`)}, []llm.Block{result("1", `{"condition":"sunny"}`), result("2", `{"condition":"rain"}`)}, "get_weather (Rome): The condition is sunny.\nget_weather (Pisa): The condition is rain."},
		{"list", "Which machines are running?", []llm.Block{use("1", "list", `{}`)}, []llm.Block{result("1", `{"machines":[{"id":"m1","state":"running"},{"id":"m2","state":"stopped"}]}`)}, "1 of 2 machines: m1 (state: running)."},
		{"how many", "How many orders are there?", []llm.Block{use("1", "orders", `{}`)}, []llm.Block{result("1", `[{"order":1},{"order":2},{"order":3}]`)}, "3 results: 1; 2; 3."},
		{"no rows", "Which machines are running?", []llm.Block{use("1", "list", `{}`)}, []llm.Block{result("1", `{"machines":[]}`)}, "there are no machines."},
		{"text", "What's the time?", []llm.Block{use("1", "clock", `{}`)}, []llm.Block{&llm.ToolResult{ToolUseID: "1", Content: []llm.Block{words("It is 10:42.")}}}, "It is 10:42."},
		{"failed", "What's the time?", []llm.Block{use("1", "clock", `{}`)}, []llm.Block{&llm.ToolResult{ToolUseID: "1", Error: true, Content: []llm.Block{words("no route to host")}}}, "The call of clock failed: no route to host."},
		{"empty", "What's the time?", []llm.Block{use("1", "clock", `{}`)}, []llm.Block{&llm.ToolResult{ToolUseID: "1"}}, "Clock returned nothing."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			resp := chat(t, &llm.ChatRequest{Messages: []llm.Message{user(words(tt.question)), assistant(tt.uses...), user(tt.results...)}})
			if got := said(resp); got != tt.want {
				t.Errorf("said %q, want %q", got, tt.want)
			}
		})
	}
}

// TestNextStep calls a second tool with what the first returned.
func TestNextStep(t *testing.T) {
	t.Parallel()
	tools := []llm.Tool{user42, team}
	messages := []llm.Message{user(words("Look up user 42, then look up the name of their team."))}
	resp := chat(t, &llm.ChatRequest{Messages: messages, Tools: tools})
	if got, want := calls(resp), `get_user{"user_id":42}`; got != want {
		t.Fatalf("first calls %q, want %q (said %q)", got, want, said(resp))
	}
	use := resp.Message.Content[0].(*llm.ToolUse)
	messages = append(messages, resp.Message, user(&llm.ToolResult{ToolUseID: use.ID, Content: []llm.Block{&llm.JSON{Value: json.RawMessage(`{"name":"Ann","team_id":"T-900"}`)}}}))
	resp = chat(t, &llm.ChatRequest{Messages: messages, Tools: tools})
	if got, want := calls(resp), `get_team{"team_id":"T-900"}`; got != want {
		t.Fatalf("second calls %q, want %q (said %q)", got, want, said(resp))
	}
	next := resp.Message.Content[0].(*llm.ToolUse)
	messages = append(messages, resp.Message, user(&llm.ToolResult{ToolUseID: next.ID, Content: []llm.Block{&llm.JSON{Value: json.RawMessage(`{"team":"Platform"}`)}}}))
	resp = chat(t, &llm.ChatRequest{Messages: messages, Tools: tools})
	if got := said(resp); resp.StopReason != llm.EndTurn || !strings.Contains(got, "Platform") {
		t.Errorf("at last: %q, %q", resp.StopReason, got)
	}
}

// TestGuide plays the guide's tool-use example as it is printed there.
func TestGuide(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(sharedtest.Path(t, "guide", "blocks", "09-tool-use.py"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(source), "tool_config = ")
	var config struct {
		Tools []struct {
			ToolSpec struct {
				Name, Description string
				InputSchema       struct{ JSON json.RawMessage }
			}
		}
	}
	if err := json.NewDecoder(strings.NewReader(rest)).Decode(&config); err != nil {
		t.Fatal(err)
	}
	var tools []llm.Tool
	for _, x := range config.Tools {
		tools = append(tools, tool(x.ToolSpec.Name, x.ToolSpec.Description, string(x.ToolSpec.InputSchema.JSON)))
	}
	asked := regexp.MustCompile(`"text": "([^"]+)"`).FindAllStringSubmatch(rest, -1)
	returned := regexp.MustCompile(`tool_result = (\{.*\})`).FindStringSubmatch(rest)
	if len(asked) != 2 || returned == nil {
		t.Fatalf("%d questions and results %q in the example", len(asked), returned)
	}
	resp := chat(t, &llm.ChatRequest{Messages: []llm.Message{user(words(asked[0][1]))}, Tools: tools})
	id := regexp.MustCompile(`i-[0-9a-z]+`).FindString(asked[0][1])
	use, ok := resp.Message.Content[0].(*llm.ToolUse)
	if !ok || len(resp.Message.Content) != 1 {
		t.Fatalf("answer %q, want one call", said(resp))
	}
	want := json.RawMessage(`{"namespace":"AWS/EC2","metric_name":"CPUUtilization","instance_id":"` + id + `"}`)
	if diff := llmtest.Diff(use.Input, want); diff != "" || use.Name != "get_cloudwatch_metric" {
		t.Errorf("call of %s (-got +want):\n%s", use.Name, diff)
	}
	resp = chat(t, &llm.ChatRequest{Tools: tools, Messages: []llm.Message{
		user(words(asked[1][1])), resp.Message,
		user(&llm.ToolResult{ToolUseID: use.ID, Content: []llm.Block{&llm.JSON{Value: json.RawMessage(returned[1])}}}),
	}})
	if got := said(resp); !strings.Contains(got, id+" is 42.5") || !strings.Contains(got, "last hour") {
		t.Errorf("told %q, want the value for %s", got, id)
	}
}
