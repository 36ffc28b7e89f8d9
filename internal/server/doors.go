package server

import (
	"context"
	"fmt"
	"net/http"
	"net/http/pprof"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/outcrop-ai/outcrop/internal/api/control"
	"github.com/outcrop-ai/outcrop/internal/api/runtime"
	"github.com/outcrop-ai/outcrop/internal/api/sts"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/gateway"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrock"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrockagent"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrockagentruntime"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/gen/iam"
	"github.com/outcrop-ai/outcrop/internal/gen/logs"
	"github.com/outcrop-ai/outcrop/internal/gen/monitoring"
	gensts "github.com/outcrop-ai/outcrop/internal/gen/sts"
	"github.com/outcrop-ai/outcrop/internal/wire"
)

// services says what answers each service.
func services(c *catalog.Catalog, g *gateway.Gateway) []wire.Service {
	return []wire.Service{
		{Model: &bedrock.Model, Impl: control.New(c)},
		{Model: &bedrockruntime.Model, Impl: runtime.New(g, c), Padding: true},
		{Model: &bedrockagent.Model, Impl: bedrockagent.Unimplemented{}},
		{Model: &bedrockagentruntime.Model, Impl: bedrockagentruntime.Unimplemented{}},
		{Model: &gensts.Model, Impl: sts.Service{}},
		{Model: &iam.Model, Impl: iam.Unimplemented{}},
		{Model: &logs.Model, Impl: logs.Unimplemented{}},
		{Model: &monitoring.Model, Impl: monitoring.Unimplemented{}},
	}
}

// health answers /healthz: the process serves. With ?region= it also says whether that
// region is one of ours, for clients that probe regions before they fail over.
func health(regions []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		region := r.URL.Query().Get("region")
		if region != "" && !slices.Contains(regions, region) {
			http.Error(w, "this server does not serve the region", http.StatusNotFound)
			return
		}
		_, _ = fmt.Fprintln(w, "ok") // a prober that left reads nothing
	})
}

// ready answers /readyz: the process can do its work now. Anybody may ask, so why it
// cannot is told in general only; the log has the rest.
func ready(check func(context.Context) *fault.Error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := check(r.Context()); f != nil {
			http.Error(w, f.Message, http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ready") // a prober that left reads nothing
	})
}

// metrics answers /metrics with the ledger's figures and those of the process.
func metrics(all ...prometheus.Collector) http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reg.MustRegister(all...)
	return ownHost(promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
}

// profiles answers /debug/pprof, when the configuration asks for it.
func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return ownHost(mux)
}
