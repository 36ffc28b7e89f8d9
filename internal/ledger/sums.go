package ledger

import (
	"cmp"
	"slices"
	"time"

	"github.com/outcrop-ai/outcrop/internal/ledger/histogram"
)

// Sums is what a number of records add up to.
type Sums struct {
	Calls        int64 // all of them
	ClientErrors int64 // 4xx other than throttling
	ServerErrors int64
	Throttles    int64

	InputTokens      int64
	OutputTokens     int64
	CacheReadTokens  int64
	CacheWriteTokens int64
	OutputImages     int64
	CostNanoUSD      int64

	Latency    histogram.Histogram // of the calls that succeeded
	FirstToken histogram.Histogram // of those that had a first token
}

// Succeeded returns how many calls did: what CloudWatch calls Invocations.
func (s *Sums) Succeeded() int64 {
	return s.Calls - s.ClientErrors - s.ServerErrors - s.Throttles
}

// row is what Sums needs of a record.
type row struct {
	outcome               Outcome
	latency, firstToken   time.Duration
	input, output         int64
	cacheRead, cacheWrite int64
	images, cost          int64
}

func (s *Sums) add(r *Record) {
	s.addRow(&row{
		outcome: r.Outcome(),
		latency: r.Latency, firstToken: r.FirstToken,
		input: int64(r.InputTokens), output: int64(r.OutputTokens),
		cacheRead: int64(r.CacheReadTokens), cacheWrite: int64(r.CacheWriteTokens),
		images: int64(r.OutputImages), cost: r.CostNanoUSD,
	})
}

func (s *Sums) addRow(r *row) {
	s.Calls++
	switch r.outcome {
	case Success:
		s.Latency.Add(r.latency)
	case ClientError:
		s.ClientErrors++
	case ServerError:
		s.ServerErrors++
	case Throttle:
		s.Throttles++
	}
	if r.firstToken > 0 {
		s.FirstToken.Add(r.firstToken)
	}
	s.InputTokens += r.input
	s.OutputTokens += r.output
	s.CacheReadTokens += r.cacheRead
	s.CacheWriteTokens += r.cacheWrite
	s.OutputImages += r.images
	s.CostNanoUSD += r.cost
}

func (s *Sums) merge(other *Sums) {
	s.Calls += other.Calls
	s.ClientErrors += other.ClientErrors
	s.ServerErrors += other.ServerErrors
	s.Throttles += other.Throttles
	s.InputTokens += other.InputTokens
	s.OutputTokens += other.OutputTokens
	s.CacheReadTokens += other.CacheReadTokens
	s.CacheWriteTokens += other.CacheWriteTokens
	s.OutputImages += other.OutputImages
	s.CostNanoUSD += other.CostNanoUSD
	s.Latency.Merge(&other.Latency)
	s.FirstToken.Merge(&other.FirstToken)
}

func (s *Sums) clone() Sums {
	c := *s
	c.Latency, c.FirstToken = s.Latency.Clone(), s.FirstToken.Clone()
	return c
}

// Series is what per-minute sums are kept apart by.
type Series struct {
	Account   string
	Region    string
	Model     string // as the caller wrote it, where it resolved to a model: CloudWatch's ModelId
	ModelID   string // what it resolved to; both are empty where it resolved to nothing
	Operation string
}

// seriesOf returns the series of a record. Names that mean no model are not kept
// apart: anybody can invent any number of them.
func seriesOf(r *Record) Series {
	s := Series{Account: r.Account, Region: r.Region, Model: r.Model, ModelID: r.ModelID, Operation: r.Operation}
	if s.ModelID == "" {
		s.Model = ""
	}
	return s
}

// Minute is the sums of one series over the calls that ended in one minute.
type Minute struct {
	Start time.Time
	Series
	Sums
}

// minuteKey identifies a Minute: minutes since 1970 and the series.
type minuteKey struct {
	minute int64
	series Series
}

// minuteOf returns the key of the minute in which the call ended.
func minuteOf(r *Record) minuteKey {
	return minuteKey{minute: minuteAt(r.Time.Add(r.Latency)), series: seriesOf(r)}
}

func minuteAt(t time.Time) int64 { return t.Unix() / 60 }

// minuteSums adds records up by minute and series.
type minuteSums map[minuteKey]*Sums

func (m minuteSums) at(key minuteKey) *Sums {
	s := m[key]
	if s == nil {
		s = new(Sums)
		m[key] = s
	}
	return s
}

// list returns the minutes in order of time and series. They share nothing with m.
func (m minuteSums) list() []Minute {
	minutes := make([]Minute, 0, len(m))
	for key, sums := range m {
		minutes = append(minutes, Minute{Start: time.Unix(key.minute*60, 0).UTC(), Series: key.series, Sums: sums.clone()})
	}
	slices.SortFunc(minutes, func(a, b Minute) int {
		return cmp.Or(a.Start.Compare(b.Start), compareSeries(a.Series, b.Series))
	})
	return minutes
}

func compareSeries(a, b Series) int {
	return cmp.Or(
		cmp.Compare(a.Account, b.Account),
		cmp.Compare(a.Region, b.Region),
		cmp.Compare(a.ModelID, b.ModelID),
		cmp.Compare(a.Model, b.Model),
		cmp.Compare(a.Operation, b.Operation),
	)
}
