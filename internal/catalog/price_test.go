package catalog

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

func TestCost(t *testing.T) {
	t.Parallel()
	claude := Price{Input: 3_000_000, Output: 15_000_000, CacheRead: 300_000, CacheWrite: 3_750_000, CacheWrite1h: 6_000_000, BatchPercent: 50}
	micro := Price{Input: 35_000, Output: 140_000}
	f := func(p Price, u llm.Usage, want int64) {
		t.Helper()
		if got := p.Cost(u); got != want {
			t.Errorf("%+v.Cost(%+v) = %d, want %d", p, u, got, want)
		}
	}
	f(claude, llm.Usage{}, 0)
	f(claude, llm.Usage{InputTokens: 1_000_000}, 3_000_000_000) // $3
	f(claude, llm.Usage{InputTokens: 1000, OutputTokens: 500}, 10_500_000)
	f(claude, llm.Usage{CacheReadTokens: 1000, CacheWriteTokens: 1000}, 300_000+3_750_000)
	f(claude, llm.Usage{CacheWriteTokens: 1000, CacheDetails: []llm.CacheDetail{{TTL: "1h", InputTokens: 400}, {TTL: "5m", InputTokens: 600}}}, 2_400_000+2_250_000)
	f(claude, llm.Usage{CacheWriteTokens: 10, CacheDetails: []llm.CacheDetail{{TTL: "1h", InputTokens: 400}}}, 60_000) // never more than written
	f(micro, llm.Usage{CacheReadTokens: 100, CacheWriteTokens: 100}, 7000)                                             // no cache price: as input
	f(micro, llm.Usage{InputTokens: 1}, 35)
	f(Price{Input: 8_750}, llm.Usage{InputTokens: 1}, 9) // 8.75, rounded half up
	f(Price{Input: 500}, llm.Usage{InputTokens: 1}, 1)   // 0.5
	f(Price{Input: 499}, llm.Usage{InputTokens: 1}, 0)
	f(claude, llm.Usage{InputTokens: -5, OutputTokens: 1}, 15_000)
	f(Price{Input: math.MaxInt64}, llm.Usage{InputTokens: math.MaxInt64}, math.MaxInt64)
	f(Price{}, llm.Usage{InputTokens: math.MaxInt64}, 0)
}

func FuzzCost(f *testing.F) {
	f.Add(1, 2, int64(3), int64(4))
	f.Add(math.MaxInt64, math.MaxInt64, int64(math.MaxInt64), int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, in, out int, pin, pout int64) {
		got := Price{Input: pin, Output: pout}.Cost(llm.Usage{InputTokens: in, OutputTokens: out})
		want := new(big.Int)
		for _, x := range [][2]int64{{int64(in), pin}, {int64(out), pout}} {
			if x[0] > 0 && x[1] > 0 {
				want.Add(want, new(big.Int).Mul(big.NewInt(x[0]), big.NewInt(x[1])))
			}
		}
		want.Div(want.Add(want, big.NewInt(500)), big.NewInt(1000))
		if !want.IsInt64() {
			want.SetInt64(math.MaxInt64)
		}
		if got != want.Int64() {
			t.Errorf("Cost = %d, want %s", got, want)
		}
	})
}

func TestDollars(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]dollars{"3": 3_000_000, "0.25": 250_000, "0.00875": 8_750, "0.000001": 1, "0": 0} {
		var d dollars
		if err := json.Unmarshal([]byte(text), &d); err != nil || d != want {
			t.Errorf("%s = %d, %v, want %d", text, d, err, want)
		}
	}
	for _, text := range []string{`0.0000001`, `-1`, `"x"`, `1e3`, `99999999999999999999`} {
		var d dollars
		if err := json.Unmarshal([]byte(text), &d); err == nil {
			t.Errorf("%s = %d, want an error", text, d)
		}
	}
}
