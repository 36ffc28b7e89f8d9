package ledger

import (
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// openTest opens a ledger that is closed at the end of the test, in a folder of its
// own unless cfg names one.
func openTest(tb testing.TB, cfg Config) *Ledger {
	tb.Helper()
	if cfg.Dir == "" {
		cfg.Dir = tb.TempDir()
	}
	l, err := Open(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			tb.Error(err)
		}
	})
	return l
}

var testTime = time.Date(2026, 11, 22, 10, 0, 0, 123456789, time.UTC)

// testRecord returns a record like those of a busy gateway; i makes it its own.
func testRecord(i int) Record {
	return Record{
		Time:             testTime.Add(time.Duration(i) * time.Millisecond),
		RequestID:        fmt.Sprintf("5b7e2d6c-9f41-4d0e-8a63-%012x", i),
		Account:          "123456789012",
		Region:           "us-east-1",
		Principal:        "arn:aws:iam::123456789012:user/alice",
		AccessKeyID:      "AKIAIOSFODNN7EXAMPLE",
		Service:          "bedrock-runtime",
		Operation:        "Converse",
		Model:            "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
		ModelID:          "anthropic.claude-3-5-sonnet-20241022-v2:0",
		InferenceProfile: "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-5-sonnet-20241022-v2:0",
		Backend:          "gpu",
		UpstreamModel:    "qwen3-32b",
		Fidelity:         llm.Real,
		Attempts:         1,
		Status:           200,
		Latency:          812 * time.Millisecond,
		FirstToken:       212 * time.Millisecond,
		InputTokens:      1200 + i,
		OutputTokens:     300,
		CostNanoUSD:      8_100_000,
	}
}
