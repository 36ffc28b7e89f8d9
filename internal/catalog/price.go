package catalog

import (
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Price is what a model costs: micro-dollars per million tokens, so $3.00 per
// million input tokens is 3_000_000. Zero is free, but for the cache prices.
type Price struct {
	Input  int64
	Output int64

	CacheRead    int64 // zero: as Input
	CacheWrite   int64 // zero: as Input
	CacheWrite1h int64 // prefixes kept for an hour; zero: as CacheWrite

	Image int64 // micro-dollars per image made
	Query int64 // micro-dollars per rerank query

	// BatchPercent is what batch inference costs of the above; zero: no discount.
	BatchPercent int
}

// Cost returns what a call cost in nano-dollars (thousand-millionths), rounded
// half up once, after adding up exactly; a call of one token would otherwise
// often cost nothing. Negative counts are taken as zero, and a sum beyond int64
// stays at its largest value.
func (p Price) Cost(u llm.Usage) int64 {
	write1h := 0
	for _, d := range u.CacheDetails {
		if d.TTL == "1h" {
			write1h += d.InputTokens
		}
	}
	write1h = min(max(write1h, 0), max(u.CacheWriteTokens, 0))
	read := or(p.CacheRead, p.Input)
	write := or(p.CacheWrite, p.Input)

	// Tokens times micro-dollars per million tokens is pico-dollars.
	var s sum
	s.add(u.InputTokens, p.Input)
	s.add(u.OutputTokens, p.Output)
	s.add(u.CacheReadTokens, read)
	s.add(u.CacheWriteTokens-write1h, write)
	s.add(write1h, or(p.CacheWrite1h, write))
	return s.perThousand()
}

func or(price, instead int64) int64 {
	if price == 0 {
		return instead
	}
	return price
}

// sum adds products in 128 bits.
type sum struct{ hi, lo uint64 }

func (s *sum) add(n int, price int64) {
	if n <= 0 || price <= 0 {
		return
	}
	hi, lo := bits.Mul64(uint64(n), uint64(price))
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, lo, 0)
	s.hi += hi + carry
}

func (s *sum) perThousand() int64 {
	if s.hi >= 1000 {
		return math.MaxInt64
	}
	q, r := bits.Div64(s.hi, s.lo, 1000)
	if r >= 500 {
		q++
	}
	return int64(min(q, math.MaxInt64))
}

// dollars reads a decimal amount of dollars as micro-dollars without passing
// through floating point.
type dollars int64

func (d *dollars) UnmarshalJSON(text []byte) error {
	var n json.Number
	if err := json.Unmarshal(text, &n); err != nil {
		return err
	}
	whole, frac, _ := strings.Cut(n.String(), ".")
	if len(frac) > 6 {
		return fmt.Errorf("price %s has more than six decimals", n)
	}
	v, err := strconv.ParseUint(whole+frac+strings.Repeat("0", 6-len(frac)), 10, 50)
	if err != nil {
		return fmt.Errorf("price %s: %w", n, err)
	}
	*d = dollars(v)
	return nil
}
