package embedded

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/outcrop-ai/outcrop/internal/engine"
	"github.com/outcrop-ai/outcrop/internal/engine/sched"
)

// metric is a figure of one model's scheduler.
type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*sched.Stats) float64
}

// collector shows what the loaded models do.
type collector struct {
	models  *Models
	bytes   *prometheus.Desc
	limit   *prometheus.Desc
	metrics []metric
}

// Collector returns the metrics of loaded models: outcrop_engine_…
func (m *Models) Collector() prometheus.Collector {
	c := &collector{
		models: m,
		bytes:  prometheus.NewDesc("outcrop_engine_model_bytes", "Memory that a loaded model takes, with what its cache may grow to.", []string{"model"}, nil),
		limit:  prometheus.NewDesc("outcrop_engine_memory_limit_bytes", "Memory that loaded models may take together; 0: no limit.", nil, nil),
	}
	add := func(kind prometheus.ValueType, name, help string, value func(*sched.Stats) float64) {
		desc := prometheus.NewDesc("outcrop_engine_"+name, help, []string{"model"}, nil)
		c.metrics = append(c.metrics, metric{desc, kind, value})
	}
	add(prometheus.GaugeValue, "running_requests", "Requests that the model is working on.",
		func(s *sched.Stats) float64 { return float64(s.Running) })
	add(prometheus.GaugeValue, "waiting_requests", "Requests that wait for their turn.",
		func(s *sched.Stats) float64 { return float64(s.Waiting + s.Suspended) })
	add(prometheus.CounterValue, "steps_total", "Passes through the model.",
		func(s *sched.Stats) float64 { return float64(s.Steps) })
	add(prometheus.CounterValue, "prompt_tokens_total", "Prompt tokens read by the model.",
		func(s *sched.Stats) float64 { return float64(s.PromptTokens) })
	add(prometheus.CounterValue, "rejected_requests_total", "Requests for which the queue was full.",
		func(s *sched.Stats) float64 { return float64(s.Rejected) })
	add(prometheus.CounterValue, "preemptions_total", "Times that a request gave its memory to others for a while.",
		func(s *sched.Stats) float64 { return float64(s.Preempted) })
	add(prometheus.GaugeValue, "cache_bytes", "Memory of cached keys and values.",
		func(s *sched.Stats) float64 { return float64(s.Cache.Mapped) })
	add(prometheus.CounterValue, "cached_tokens_total", "Prompt tokens that were in the cache.",
		func(s *sched.Stats) float64 { return float64(s.CachedTokens) })
	add(prometheus.CounterValue, "generated_tokens_total", "Tokens chosen.",
		func(s *sched.Stats) float64 { return float64(s.Generated) })
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(descs chan<- *prometheus.Desc) {
	descs <- c.bytes
	descs <- c.limit
	for _, m := range c.metrics {
		descs <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	c.models.mu.Lock()
	defer c.models.mu.Unlock()
	out <- prometheus.MustNewConstMetric(c.limit, prometheus.GaugeValue, float64(c.models.cfg.Memory))
	for name, one := range c.models.models {
		if one.loaded == nil {
			continue
		}
		out <- prometheus.MustNewConstMetric(c.bytes, prometheus.GaugeValue, float64(one.size), name)
		g, ok := one.loaded.(*engine.Generator)
		if !ok {
			continue
		}
		stats := g.Stats()
		for _, m := range c.metrics {
			out <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(&stats), name)
		}
	}
}
