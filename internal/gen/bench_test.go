package gen_test

import (
	"encoding/json"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/smithy/smithytest"
)

// converse is a request in the middle of a tool loop.
const converse = `{
	"modelId": "anthropic.claude-3-5-sonnet-20241022-v2:0",
	"messages": [
		{"role": "user", "content": [{"text": "How warm is it in Oslo?"}]},
		{"role": "assistant", "content": [{"text": "One moment."}, {"toolUse": {"toolUseId": "tooluse_1", "name": "get_weather", "input": {"city": "Oslo"}}}]},
		{"role": "user", "content": [{"toolResult": {"toolUseId": "tooluse_1", "content": [{"json": {"celsius": 4.5}}]}}]}
	],
	"system": [{"text": "Be brief."}],
	"inferenceConfig": {"maxTokens": 512, "temperature": 0.3, "topP": 0.9, "stopSequences": ["END"]},
	"toolConfig": {"tools": [
		{"toolSpec": {"name": "get_weather", "description": "The weather now", "inputSchema": {"json": {"type": "object"}}}},
		{"toolSpec": {"name": "get_forecast", "description": "The weather to come", "inputSchema": {"json": {"type": "object"}}}}
	]}
}`

// BenchmarkRead tells what validation adds to reading, and what it allocates.
func BenchmarkRead(b *testing.B) {
	in := smithytest.New(new(bedrockruntime.ConverseRequest).Schema())
	if err := in.SetParams(json.RawMessage(converse)); err != nil {
		b.Fatal(err)
	}
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := smithytest.NewReader(in).Struct(new(bedrockruntime.ConverseRequest)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("valid", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := smithy.ReadValid(smithytest.NewReader(in), new(bedrockruntime.ConverseRequest)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkReadInvalid is the price of saying what is wrong.
func BenchmarkReadInvalid(b *testing.B) {
	in := smithytest.New(new(bedrockruntime.ConverseRequest).Schema())
	if err := in.SetParams(json.RawMessage(`{"messages": [{"role": "nobody"}], "inferenceConfig": {"topP": 2}}`)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := smithy.ReadValid(smithytest.NewReader(in), new(bedrockruntime.ConverseRequest)); err == nil {
			b.Fatal("accepted")
		}
	}
}
