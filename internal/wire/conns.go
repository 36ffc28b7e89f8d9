package wire

import (
	"container/list"
	"net"
	"net/http"
	"sync"
	"time"
)

// connLimiter bounds the connections of a server, and the time of each write.
type connLimiter struct {
	max          int
	writeTimeout time.Duration

	mu   sync.Mutex
	open int
	idle *list.List // of *conn, the one idle longest first
}

func newConnLimiter(limit int, writeTimeout time.Duration) *connLimiter {
	return &connLimiter{max: limit, writeTimeout: writeTimeout, idle: list.New()}
}

// conn is a connection that is counted.
type conn struct {
	net.Conn
	limiter *connLimiter
	once    sync.Once
	idle    *list.Element // guarded by limiter.mu; nil while busy
}

// Write implements net.Conn. Each write has a deadline of its own, so that a client
// that does not read holds a handler no longer than that; the time between two
// events of a stream does not count.
func (c *conn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.limiter.writeTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.once.Do(func() { c.limiter.drop(c) })
	return c.Conn.Close()
}

func (l *connLimiter) listener(inner net.Listener) net.Listener {
	return &limitedListener{Listener: inner, limiter: l}
}

type limitedListener struct {
	net.Listener
	limiter *connLimiter
}

// Accept implements net.Listener.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: inner, limiter: l.limiter}
		if l.limiter.admit() {
			return c, nil
		}
		_ = inner.Close() // nothing to do about a refused connection
	}
}

// admit counts a new connection in. When there are too many it makes room by
// closing the one that was idle longest; without any it says no.
func (l *connLimiter) admit() bool {
	l.mu.Lock()
	victim := (*conn)(nil)
	if l.open >= l.max {
		front := l.idle.Front()
		if front == nil {
			l.mu.Unlock()
			return false
		}
		victim, _ = front.Value.(*conn)
	}
	l.open++
	l.mu.Unlock()
	if victim != nil {
		_ = victim.Close() // its owner notices
	}
	return true
}

func (l *connLimiter) drop(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if c.idle != nil {
		l.idle.Remove(c.idle)
		c.idle = nil
	}
}

// state is the server's ConnState hook: it keeps the list of idle connections.
func (l *connLimiter) state(nc net.Conn, s http.ConnState) {
	c := counted(nc)
	if c == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.idle != nil {
		l.idle.Remove(c.idle)
		c.idle = nil
	}
	// A new connection that sends nothing is as good as idle.
	if s == http.StateIdle || s == http.StateNew {
		c.idle = l.idle.PushBack(c)
	}
}

// counted returns the conn below nc.
func counted(nc net.Conn) *conn {
	if t, ok := nc.(interface{ NetConn() net.Conn }); ok { // TLS
		nc = t.NetConn()
	}
	c, _ := nc.(*conn)
	return c
}
