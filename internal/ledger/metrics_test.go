package ledger

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// gather returns the metrics of l as "name{label=value,…}" and their values; of
// histograms, the counts.
func gather(t *testing.T, l *Ledger) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(l.Collector()); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				if l.GetValue() != "" {
					labels = append(labels, l.GetName()+"="+l.GetValue())
				}
			}
			name := f.GetName() + "{" + strings.Join(labels, ",") + "}"
			values[name] = value(m)
		}
	}
	return values
}

func value(m *dto.Metric) float64 {
	switch {
	case m.GetCounter() != nil:
		return m.GetCounter().GetValue()
	case m.GetGauge() != nil:
		return m.GetGauge().GetValue()
	}
	return float64(m.GetHistogram().GetSampleCount())
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	known := testRecord(0).ModelID
	l := openTest(t, Config{KnownModel: func(id string) bool { return id == known }})
	l.Begin()
	l.Begin()
	l.End()
	for i := range 10 {
		l.Append(testRecord(i))
	}
	for i := range 3 {
		r := otherRecord(i) // of a model that is not known
		r.Backend = "bad\xff"
		l.Append(r)
	}
	l.Append(Record{Status: 403, ErrorCode: "AccessDeniedException", ErrorKind: fault.Denied, Completeness: Failed})
	flush(t, l)
	got := gather(t, l)
	delete(got, "outcrop_ledger_segment_bytes{}")
	want := map[string]float64{
		"outcrop_invocations_total{backend=gpu,fidelity=real,model=" + known + ",operation=Converse,outcome=success,region=us-east-1}":                                    10,
		"outcrop_invocations_total{backend=bad\uFFFD,error=ThrottlingException,fidelity=stand-in,model=other,operation=ConverseStream,outcome=throttle,region=eu-west-1}": 3,
		"outcrop_invocations_total{error=AccessDeniedException,model=other,outcome=client_error}":                                                                         1,
		"outcrop_invocation_latency_seconds{model=" + known + ",operation=Converse}":                                                                                      10,
		"outcrop_invocation_latency_seconds{model=other,operation=ConverseStream}":                                                                                        0,
		"outcrop_invocation_latency_seconds{model=other}":                                                                                                                 0,
		"outcrop_time_to_first_token_seconds{model=" + known + ",operation=Converse}":                                                                                     10,
		"outcrop_time_to_first_token_seconds{model=other,operation=ConverseStream}":                                                                                       3,
		"outcrop_time_to_first_token_seconds{model=other}":                                                                                                                0,
		"outcrop_tokens_total{kind=input,model=" + known + "}":                                                                                                            12_045,
		"outcrop_tokens_total{kind=output,model=" + known + "}":                                                                                                           3000,
		"outcrop_tokens_total{kind=cache_read,model=" + known + "}":                                                                                                       0,
		"outcrop_tokens_total{kind=cache_write,model=" + known + "}":                                                                                                      0,
		"outcrop_tokens_total{kind=input,model=other}":                                                                                                                    3,
		"outcrop_tokens_total{kind=output,model=other}":                                                                                                                   6,
		"outcrop_tokens_total{kind=cache_read,model=other}":                                                                                                               9,
		"outcrop_tokens_total{kind=cache_write,model=other}":                                                                                                              12,
		"outcrop_cost_usd_total{model=" + known + "}":                                                                                                                     0.081,
		"outcrop_cost_usd_total{model=other}":                                                                                                                             18e-9,
		"outcrop_in_flight_invocations{}":                                                                                                                                 1,
		"outcrop_ledger_queued_records{}":                                                                                                                                 0,
		"outcrop_ledger_lost_records_total{}":                                                                                                                             0,
		"outcrop_ledger_loaded_records_total{}":                                                                                                                           14,
		"outcrop_ledger_torn_bytes_total{}":                                                                                                                               0,
		"outcrop_ledger_degraded{}":                                                                                                                                       0,
	}
	near := cmp.Comparer(func(a, b float64) bool { return a-b < 1e-12 && b-a < 1e-12 })
	if diff := cmp.Diff(got, want, near); diff != "" {
		t.Error(diff)
	}
}

// Whatever callers make up, the number of series is bounded, and no call goes uncounted.
func TestMetricsAreBounded(t *testing.T) {
	t.Parallel()
	const n = 3 * maxSeries
	m := newMetrics(nil)
	for i := range n {
		r := testRecord(0)
		r.ModelID = fmt.Sprint("model-", i)
		r.Operation = fmt.Sprint("operation-", i%10_000)
		m.add([]Record{r})
	}
	if got := len(m.series); got > maxSeries+10 {
		t.Errorf("%d series", got)
	}
	if got := len(m.models); got > maxModels {
		t.Errorf("%d models", got)
	}
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(m.invocations); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, metric := range families[0].GetMetric() {
		sum += metric.GetCounter().GetValue()
	}
	if sum != n {
		t.Errorf("%v calls counted, want %d", sum, n)
	}
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		r    Record
		want Outcome
	}{
		{Record{Status: 200}, Success},
		{Record{Status: 200, Completeness: ClientGone}, Success},
		{Record{Status: 200, Completeness: UpstreamCut}, ServerError},
		{Record{Status: 200, Completeness: Failed, ErrorCode: "InternalServerException"}, ServerError},
		{Record{Status: 200, Completeness: Failed, ErrorCode: "ThrottlingException", ErrorKind: fault.Throttled}, Throttle},
		{Record{Status: 429, Completeness: Failed, ErrorCode: "ModelNotReadyException", ErrorKind: fault.NotReady}, Throttle},
		{Record{Status: 400, Completeness: Failed, ErrorCode: "ValidationException", ErrorKind: fault.Invalid}, ClientError},
		{Record{Status: 403, Completeness: Failed, ErrorCode: "AccessDeniedException", ErrorKind: fault.Denied}, ClientError},
		{Record{Status: 424, Completeness: Failed, ErrorCode: "ModelErrorException", ErrorKind: fault.ModelError}, ClientError},
		{Record{Status: 499, Completeness: ClientGone, ErrorCode: "Canceled", ErrorKind: fault.Canceled}, Success},
		{Record{Status: 503, Completeness: Failed, ErrorCode: "ServiceUnavailableException", ErrorKind: fault.Unavailable}, ServerError},
	} {
		if got := c.r.Outcome(); got != c.want {
			t.Errorf("%d %s %v: got %v, want %v", c.r.Status, c.r.ErrorCode, c.r.Completeness, got, c.want)
		}
	}
}

// A series of minutes is bounded too: names that mean no model make none.
func TestSeries(t *testing.T) {
	t.Parallel()
	keys := make(map[Series]bool)
	for i := range 100 {
		r := testRecord(0)
		r.Model, r.ModelID = fmt.Sprint("nonsense-", i), ""
		keys[seriesOf(&r)] = true
	}
	if got := slices.Collect(maps.Keys(keys)); len(got) != 1 {
		t.Errorf("got %d series", len(got))
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), Config{CommitEvery: -time.Second, QueueLimit: -1, SegmentSize: maxSegmentSize + 1})
	for _, want := range []string{"no folder", "CommitEvery", "QueueLimit", "SegmentSize"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want a word on %s", err, want)
		}
	}
}
