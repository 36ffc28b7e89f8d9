package embedded

import (
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

func TestAnswers(t *testing.T) {
	t.Parallel()
	lamp := "The Orion lamp was released in 2019 by Beta Works. It costs $49 and weighs 1.2 kg. Its shade is made of glass because plastic turned yellow."
	tests := []struct {
		name string
		req  *llm.ChatRequest
		want []string // all of them in the answer
		not  string
	}{
		{"fact with the question after", ask(lamp + " When was it released?"), []string{"2019 — The Orion lamp was released in 2019"}, "glass"},
		{"labels", ask("Context: " + lamp + "\n\nQuestion: How much does the lamp cost?"), []string{"$49 — It costs $49"}, "Question"},
		{"tags", ask("<context>" + lamp + "</context>\n<question>Who released the Orion lamp?</question>"), []string{"Beta Works — "}, "<"},
		{"why", ask(lamp + " Why is the shade made of glass?"), []string{"because plastic turned yellow"}, ""},
		{"how long", ask("How long is the warranty?", manual), []string{"24 months — ", "The warranty lasts 24 months from the date of purchase."}, "Unplug"},
		{"steps in order", ask("How do I install the battery?", manual), []string{"1. Unplug the lamp.\n2. Open the lid with a coin.\n3. Insert the battery."}, "warranty"},
		{"not said", ask("Who invented the transistor?", manual), []string{"The given text says nothing", "transistor"}, "lamp"},
		{"table", ask("How old is Bob?", &llm.Document{Format: "csv", Source: llm.Source{Bytes: []byte("name,city,age\nAnn,Paris,31\nBob,London,45\n")}}), []string{"45 — name: Bob; city: London; age: 45"}, "Ann"},
		{"search result", ask("Where is the office?", &llm.SearchResult{Title: "Contact", Source: "https://x.test", Content: []string{"Call us.", "Our office is in Lisbon, near the harbour."}}), []string{"Lisbon"}, "Call"},
		{"system prompt", &llm.ChatRequest{System: []llm.Block{words("You work for Acme. Refunds take 14 days.")}, Messages: []llm.Message{user(words("How long do refunds take?"))}}, []string{"14 days"}, ""},
		{"earlier turn", &llm.ChatRequest{Messages: []llm.Message{user(words("My dog is called Rex and my cat is called Tom.")), assistant(words("Nice.")), user(words("What is my dog called?"))}}, []string{"Rex"}, ""},
		{"grounding source", ask("How tall is the tower?", &llm.Guard{Text: "The tower is 96 metres tall.", Qualifiers: []string{"grounding_source"}}), []string{"96 metres"}, ""},
		{"German", ask("Wann wurde die Brücke gebaut?", &llm.Document{Text: "Die alte Brücke steht in Heidelberg. Sie wurde im Jahr 1788 gebaut. Heute ist sie ein Wahrzeichen."}), []string{"1788"}, "Wahrzeichen"},
		{"French", ask("Où se trouve le musée ?", &llm.Document{Text: "Le musée a été fondé en 1901. Le musée se trouve à Lyon, au bord du Rhône. L'entrée coûte dix euros."}), []string{"Lyon"}, "euros"},
		{"Chinese", ask("桥是什么时候建成的？", &llm.Document{Text: "这座桥位于杭州。桥建成于1937年。今天它是一个地标。"}), []string{"1937"}, "地标"},
		{"classify", ask("Classify the sentiment of this review as positive, negative or neutral: The room was dirty and the staff were rude."), []string{"negative"}, "positive"},
		{"classify by topic", ask("Classify the message into billing, shipping or returns: My invoice shows the wrong billing address."), []string{"billing"}, "shipping"},
		{"greeting", ask("Good morning!"), []string{"Good! I am outcrop.reader-v1"}, ""},
		{"who", ask("Who are you?"), []string{"I am outcrop.reader-v1", "Outcrop's configuration"}, ""},
		{"nothing to read", ask("Explain how rainbows form."), []string{"outcrop.reader-v1", "rainbows", "no general knowledge"}, ""},
		{"picture", ask("What is in this picture?", &llm.Image{Format: "png"}), []string{"a picture, which this model cannot see"}, ""},
		{"no text at all", &llm.ChatRequest{Messages: []llm.Message{user(&llm.Image{Format: "png"})}}, []string{"holds no text", "cannot see"}, ""},
		{"summary", ask("Summarize this: " + lamp + " It is sold in twelve countries. The lamp won a prize."), []string{"lamp"}, "Summarize"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			resp := chat(t, tt.req)
			got := said(resp)
			for _, w := range tt.want {
				if !strings.Contains(got, w) {
					t.Errorf("answer %q, want %q in it", got, w)
				}
			}
			if tt.not != "" && strings.Contains(got, tt.not) {
				t.Errorf("answer %q, want no %q", got, tt.not)
			}
			if resp.StopReason != llm.EndTurn {
				t.Errorf("stop reason %q", resp.StopReason)
			}
		})
	}
}

func TestAnswersDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, q := range []string{"Explain how rainbows form.", "What is the capital of Peru?", "Write a sorting function in Go.", "Who painted the Mona Lisa?"} {
		got := said(chat(t, ask(q)))
		if other := seen[got]; other != "" {
			t.Errorf("%q and %q have one answer: %q", q, other, got)
		}
		seen[got] = q
	}
}

func TestCitations(t *testing.T) {
	t.Parallel()
	other := &llm.Document{Name: "other", Text: "Nothing of interest stands here."}
	chunks := &llm.Document{Name: "chunks", Citations: true, Content: []llm.Text{{Text: "First."}, {Text: "The pump needs oil every 200 hours."}}}
	found := &llm.SearchResult{Title: "Post", Source: "https://x.test/p", Citations: true, Content: []string{"Intro.", "The valve opens at 3 bar."}}
	tests := []struct {
		ask   string
		want  llm.Location
		title string
	}{
		{"How long does the warranty last?", llm.Location{Kind: llm.CharLocation, Index: 1}, "manual"},
		{"How often does the pump need oil?", llm.Location{Kind: llm.ChunkLocation, Index: 2, Start: 1, End: 2}, "chunks"},
		{"At what pressure does the valve open?", llm.Location{Kind: llm.SearchResultLocation, Index: 0, Start: 1, End: 2}, "Post"},
	}
	for _, tt := range tests {
		resp := chat(t, ask(tt.ask, other, manual, chunks, found))
		var c *llm.Citations
		for _, b := range resp.Message.Content {
			if x, ok := b.(*llm.Citations); ok && c == nil {
				c = x
			}
		}
		if c == nil || len(c.Citations) != 1 {
			t.Errorf("%q: no citation in %q", tt.ask, said(resp))
			continue
		}
		got := c.Citations[0]
		if got.Location.Kind == llm.CharLocation {
			runes := []rune(string(manual.Source.Bytes))
			if s := string(runes[got.Location.Start:got.Location.End]); s != got.SourceContent[0] || !strings.Contains(s, "warranty lasts") {
				t.Errorf("characters %d to %d are %q, cited as %q", got.Location.Start, got.Location.End, s, got.SourceContent)
			}
			got.Location.Start, got.Location.End = 0, 0
		}
		if got.Location != tt.want || got.Title != tt.title {
			t.Errorf("%q: cited %q at %+v, want %q at %+v", tt.ask, got.Title, got.Location, tt.title, tt.want)
		}
	}
	// Not asked for, not given.
	for _, b := range chat(t, ask("What is of interest?", other)).Message.Content {
		if _, ok := b.(*llm.Citations); ok {
			t.Error("citation of a document without citations")
		}
	}
}
