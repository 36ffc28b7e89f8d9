package server

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestOwnHost holds what needs no signature back from pages that call a loopback address
// by a name of their own.
func TestOwnHost(t *testing.T) {
	t.Parallel()
	h := ownHost(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, tc := range []struct {
		local, host string
		want        int
	}{
		{"127.0.0.1", "127.0.0.1:4550", http.StatusOK},
		{"127.0.0.1", "127.0.0.1", http.StatusOK},
		{"127.0.0.1", "localhost:4550", http.StatusOK},
		{"127.0.0.1", "LOCALHOST.", http.StatusOK},
		{"127.0.0.1", "outcrop.localhost:4550", http.StatusOK},
		{"::1", "[::1]:4550", http.StatusOK},
		{"::1", "[::1]", http.StatusOK},
		{"127.0.0.1", "evil.example:4550", http.StatusMisdirectedRequest},
		{"127.0.0.1", "evil.example", http.StatusMisdirectedRequest},
		{"127.0.0.1", "127.0.0.1.evil.example:4550", http.StatusMisdirectedRequest},
		{"127.0.0.1", "localhost.evil.example", http.StatusMisdirectedRequest},
		{"127.0.0.1", "", http.StatusMisdirectedRequest},
		{"::1", "evil.example", http.StatusMisdirectedRequest},
		{"10.0.0.7", "outcrop.internal:4550", http.StatusOK},
	} {
		ctx := context.WithValue(t.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.ParseIP(tc.local), Port: 4550})
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil)
		r.Host = tc.host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tc.want {
			t.Errorf("%q at %s: got %d, want %d", tc.host, tc.local, w.Code, tc.want)
		}
	}
}
