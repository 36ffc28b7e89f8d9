package ledger

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// otherModel is the label of every model that has none of its own.
const otherModel = "other"

const (
	// maxModels bounds the models that get a label when nobody says which are known.
	maxModels = 500
	// maxSeries bounds the combinations of labels. Beyond it, calls are counted
	// as "other", apart by their outcome only.
	maxSeries = 10_000
)

// metrics counts invocations for Prometheus. It is safe for concurrent use.
type metrics struct {
	invocations *prometheus.CounterVec
	latency     *prometheus.HistogramVec
	firstToken  *prometheus.HistogramVec
	tokens      *prometheus.CounterVec
	cost        *prometheus.CounterVec

	mu     sync.Mutex
	known  func(modelID string) bool // nil: whatever is in models
	models map[string]bool
	series map[labels]*series // what labels have been resolved to
}

// labels are the values by which invocations are counted apart.
type labels struct {
	model, operation, region, backend, fidelity, errorCode string
	outcome                                                Outcome
}

// series are the counters of one combination of labels.
type series struct {
	invocations prometheus.Counter
	latency     prometheus.Observer
	firstToken  prometheus.Observer
	input       prometheus.Counter
	output      prometheus.Counter
	cacheRead   prometheus.Counter
	cacheWrite  prometheus.Counter
	cost        prometheus.Counter
}

func newMetrics(known func(string) bool) *metrics {
	// From 5 ms to 80 s and some: what lies between a stand-in and a slow thinker.
	buckets := prometheus.ExponentialBuckets(0.005, 2, 15)
	return &metrics{
		invocations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outcrop_invocations_total",
			Help: "Model invocations that ended, by how they ended.",
		}, []string{"model", "operation", "region", "backend", "fidelity", "outcome", "error"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "outcrop_invocation_latency_seconds",
			Help:    "Time from the request to the last byte of the answer, of invocations that succeeded.",
			Buckets: buckets,
		}, []string{"model", "operation"}),
		firstToken: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "outcrop_time_to_first_token_seconds",
			Help:    "Time from the request to the first token.",
			Buckets: buckets,
		}, []string{"model", "operation"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outcrop_tokens_total",
			Help: "Tokens read and written by models.",
		}, []string{"model", "kind"}),
		cost: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outcrop_cost_usd_total",
			Help: "What invocations cost, by the catalog's prices.",
		}, []string{"model"}),
		known:  known,
		models: make(map[string]bool),
		series: make(map[labels]*series),
	}
}

// add counts records.
func (m *metrics) add(records []Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range records {
		m.find(&records[i]).add(&records[i])
	}
}

// find returns the series of a record.
func (m *metrics) find(r *Record) *series {
	l := labels{
		model: r.ModelID, operation: r.Operation, region: r.Region, backend: r.Backend,
		fidelity: string(r.Fidelity), errorCode: r.ErrorCode, outcome: r.Outcome(),
	}
	if s := m.series[l]; s != nil {
		return s
	}
	l.model = m.label(l.model)
	if len(m.series) >= maxSeries {
		l = labels{model: otherModel, operation: "other", region: "other", backend: "other", outcome: l.outcome}
	}
	if s := m.series[l]; s != nil {
		return s
	}
	s := m.resolve(l)
	m.series[l] = s
	return s
}

// label returns a model's label.
func (m *metrics) label(modelID string) string {
	switch {
	case modelID == "" || modelID == otherModel:
		return otherModel
	case m.models[modelID]:
	case m.known != nil && !m.known(modelID) || m.known == nil && len(m.models) >= maxModels:
		return otherModel
	default:
		m.models[modelID] = true
	}
	return modelID
}

func (m *metrics) resolve(l labels) *series {
	valid := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") } // or the registry panics
	model, operation := valid(l.model), valid(l.operation)
	return &series{
		invocations: m.invocations.WithLabelValues(model, operation, valid(l.region), valid(l.backend),
			valid(l.fidelity), l.outcome.String(), valid(l.errorCode)),
		latency:    m.latency.WithLabelValues(model, operation),
		firstToken: m.firstToken.WithLabelValues(model, operation),
		input:      m.tokens.WithLabelValues(model, "input"),
		output:     m.tokens.WithLabelValues(model, "output"),
		cacheRead:  m.tokens.WithLabelValues(model, "cache_read"),
		cacheWrite: m.tokens.WithLabelValues(model, "cache_write"),
		cost:       m.cost.WithLabelValues(model),
	}
}

func (s *series) add(r *Record) {
	s.invocations.Inc()
	if r.Outcome() == Success {
		s.latency.Observe(r.Latency.Seconds())
	}
	if r.FirstToken > 0 {
		s.firstToken.Observe(r.FirstToken.Seconds())
	}
	addCount(s.input, r.InputTokens)
	addCount(s.output, r.OutputTokens)
	addCount(s.cacheRead, r.CacheReadTokens)
	addCount(s.cacheWrite, r.CacheWriteTokens)
	if r.CostNanoUSD > 0 {
		s.cost.Add(float64(r.CostNanoUSD) / 1e9)
	}
}

// addCount adds n, unless an upstream made it negative.
func addCount(c prometheus.Counter, n int) {
	if n > 0 {
		c.Add(float64(n))
	}
}

// collector shows a ledger to Prometheus.
type collector struct {
	l      *Ledger
	gauges []gauge
}

// gauge is a number that is read when it is asked for.
type gauge struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(Status) float64
}

// Collector returns the ledger's metrics: outcrop_invocations_total and the like, which
// follow a call within some 10 ms, and outcrop_ledger_… on the ledger itself. Models
// that are not known, operations and regions beyond a bound are counted as "other".
func (l *Ledger) Collector() prometheus.Collector {
	c := &collector{l: l}
	add := func(kind prometheus.ValueType, name, help string, value func(Status) float64) {
		c.gauges = append(c.gauges, gauge{prometheus.NewDesc(name, help, nil, nil), kind, value})
	}
	add(prometheus.GaugeValue, "outcrop_in_flight_invocations", "Model invocations being served.",
		func(Status) float64 { return float64(l.inFlight.Load()) })
	add(prometheus.GaugeValue, "outcrop_ledger_queued_records", "Records in memory that no segment holds yet.",
		func(s Status) float64 { return float64(s.Queued) })
	add(prometheus.CounterValue, "outcrop_ledger_lost_records_total", "Records that could not be kept.",
		func(s Status) float64 { return float64(s.Lost) })
	add(prometheus.CounterValue, "outcrop_ledger_loaded_records_total", "Records put into the databases.",
		func(s Status) float64 { return float64(s.Loaded) })
	add(prometheus.CounterValue, "outcrop_ledger_torn_bytes_total", "Bytes of segments that could not be read.",
		func(s Status) float64 { return float64(s.TornBytes) })
	add(prometheus.GaugeValue, "outcrop_ledger_segment_bytes", "Bytes in segments that are not deleted yet.",
		func(s Status) float64 { return float64(s.SegmentBytes) })
	add(prometheus.GaugeValue, "outcrop_ledger_degraded", "1 while the ledger cannot write, sync or load.",
		func(s Status) float64 {
			if s.Degraded {
				return 1
			}
			return 0
		})
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(descs chan<- *prometheus.Desc) {
	for _, v := range c.vectors() {
		v.Describe(descs)
	}
	for _, g := range c.gauges {
		descs <- g.desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(values chan<- prometheus.Metric) {
	for _, v := range c.vectors() {
		v.Collect(values)
	}
	status := c.l.Status()
	for _, g := range c.gauges {
		values <- prometheus.MustNewConstMetric(g.desc, g.kind, g.value(status))
	}
}

func (c *collector) vectors() []prometheus.Collector {
	m := c.l.metrics
	return []prometheus.Collector{m.invocations, m.latency, m.firstToken, m.tokens, m.cost}
}

// Status is the ledger's state of health.
type Status struct {
	Queued       int       // records in memory that no segment holds yet
	Lost         int64     // records lost since the start
	Loaded       int64     // records put into the databases since the start
	TornBytes    int64     // bytes of segments that could not be read, since the start
	SegmentBytes int64     // in segments that are not deleted yet
	Degraded     bool      // something fails now: calls are served, records may get lost
	Since        time.Time // of the first failure; zero while all is well
	Err          error     // the last failure; nil while all is well
}

// Status returns the present state.
func (l *Ledger) Status() Status {
	s := Status{
		Queued:       l.queue.len(),
		Lost:         l.lost.Load(),
		Loaded:       l.loader.loaded.Load(),
		TornBytes:    l.loader.tornBytes.Load(),
		SegmentBytes: segmentBytes(l.loader.dir),
	}
	s.Since, s.Err, s.Degraded = l.health.worst()
	return s
}
