package upstream

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// TransportConfig tunes a transport. The zero value is good for any provider.
type TransportConfig struct {
	DialTimeout         time.Duration // zero: 5 s
	TLSHandshakeTimeout time.Duration // zero: 10 s
	// ResponseHeaderTimeout bounds the wait for the headers. Zero: no limit here,
	// because a model that does not stream sends them when it has finished;
	// Config's limits hold.
	ResponseHeaderTimeout time.Duration
	MaxIdlePerHost        int         // kept-alive connections; zero: 512
	MaxPerHost            int         // zero: no limit
	TLS                   *tls.Config // nil: the system's roots, TLS 1.2 and up
}

// NewTransport returns a transport for calls to models: connections are kept
// alive in number, HTTP/2 is used where TLS offers it, and its dead connections
// are found by pings. Proxies are taken from the environment, as everywhere; they
// are not used for loopback addresses. Bodies come as they are: the transport
// asks for no compression, whose inflated size would have no bound.
func NewTransport(cfg TransportConfig) *http.Transport {
	dialer := &net.Dialer{Timeout: orDefault(cfg.DialTimeout, 5*time.Second), KeepAlive: 30 * time.Second}
	idle := orDefault(cfg.MaxIdlePerHost, 512)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        cfg.TLS,
		TLSHandshakeTimeout:    orDefault(cfg.TLSHandshakeTimeout, 10*time.Second),
		ResponseHeaderTimeout:  cfg.ResponseHeaderTimeout,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           0, // no limit over all hosts
		MaxIdleConnsPerHost:    idle,
		MaxConnsPerHost:        cfg.MaxPerHost,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
		WriteBufferSize:        16 << 10,
		ReadBufferSize:         16 << 10,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: 15 * time.Second,
			PingTimeout:     15 * time.Second,
		},
	}
}
