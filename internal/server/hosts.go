package server

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// ownHost keeps web pages from reading what needs no signature. A page that is open in a
// browser on this machine may point its own name at our loopback address (DNS rebinding);
// then that name is the request's host. Whoever means a loopback address says its number,
// or localhost.
func ownHost(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if overLoopback(r) && !localName(r.Host) {
			http.Error(w, "This server listens on a loopback address: call it by its number or as localhost.", http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// overLoopback reports whether the request came to a loopback address.
func overLoopback(r *http.Request) bool {
	addr, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return addr != nil && addr.IP.IsLoopback()
}

// localName reports whether a Host header, with a port or without, is an address or
// localhost.
func localName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
