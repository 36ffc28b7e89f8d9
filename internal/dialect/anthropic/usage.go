package anthropic

import (
	"cmp"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// usage counts tokens. Members that an event leaves out stay as they were, so one
// value is read into for message_start and again for message_delta.
type usage struct {
	InputTokens   int            `json:"input_tokens"`
	CacheWrite    *int           `json:"cache_creation_input_tokens,omitempty"`
	CacheRead     *int           `json:"cache_read_input_tokens,omitempty"`
	CacheCreation *cacheCreation `json:"cache_creation,omitempty"`
	OutputTokens  int            `json:"output_tokens"`
	ServiceTier   string         `json:"service_tier,omitempty"`
}

// cacheCreation splits the cache writes by time to live.
type cacheCreation struct {
	FiveMinutes int `json:"ephemeral_5m_input_tokens"`
	OneHour     int `json:"ephemeral_1h_input_tokens"`
}

func (u *usage) decode() llm.Usage {
	out := llm.Usage{
		InputTokens: u.InputTokens, OutputTokens: u.OutputTokens,
		CacheReadTokens: value(u.CacheRead), CacheWriteTokens: value(u.CacheWrite),
	}
	if c := u.CacheCreation; c != nil {
		for _, d := range []llm.CacheDetail{{TTL: "5m", InputTokens: c.FiveMinutes}, {TTL: "1h", InputTokens: c.OneHour}} {
			if d.InputTokens > 0 {
				out.CacheDetails = append(out.CacheDetails, d)
			}
		}
	}
	return out
}

func encodeUsage(u *llm.Usage, tier string) usage {
	out := usage{
		InputTokens: u.InputTokens, OutputTokens: u.OutputTokens,
		CacheWrite: &u.CacheWriteTokens, CacheRead: &u.CacheReadTokens,
		ServiceTier: tierText(tier),
	}
	if len(u.CacheDetails) > 0 {
		out.CacheCreation = &cacheCreation{}
	}
	for _, d := range u.CacheDetails {
		if d.TTL == "1h" {
			out.CacheCreation.OneHour += d.InputTokens
		} else {
			out.CacheCreation.FiveMinutes += d.InputTokens
		}
	}
	return out
}

// Anthropic calls "standard" what Bedrock calls "default".
const standardTier, defaultTier = "standard", "default"

func tierText(tier string) string {
	if tier == defaultTier {
		return standardTier
	}
	return tier
}

func tier(text string) string {
	if text == standardTier {
		return defaultTier
	}
	return text
}

// metrics is what Bedrock adds to the last chunk of a stream.
type metrics struct {
	InputTokens  int   `json:"inputTokenCount"`
	OutputTokens int   `json:"outputTokenCount"`
	Latency      int64 `json:"invocationLatency"` // milliseconds
	FirstByte    int64 `json:"firstByteLatency"`
	CacheRead    int   `json:"cacheReadInputTokenCount,omitempty"`
	CacheWrite   int   `json:"cacheWriteInputTokenCount,omitempty"`
}

func encodeMetrics(m *llm.Metadata, firstByte int64) metrics {
	return metrics{
		InputTokens: m.Usage.InputTokens, OutputTokens: m.Usage.OutputTokens,
		Latency: cmp.Or(m.Latency.Milliseconds(), firstByte), FirstByte: firstByte,
		CacheRead: m.Usage.CacheReadTokens, CacheWrite: m.Usage.CacheWriteTokens,
	}
}
