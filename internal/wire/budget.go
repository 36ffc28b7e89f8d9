package wire

import (
	"io"
	"sync/atomic"
	"time"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// defaultBudget holds twenty of the largest bodies, or thousands of usual ones.
const defaultBudget = 512 << 20

// budget bounds the bytes of all request bodies that are held at one time: each has
// its own limit, and a hundred of the largest would still take a machine's memory.
type budget struct {
	limit int64
	used  atomic.Int64
}

// take charges n bytes, unless they are too many.
func (b *budget) take(n int64) bool {
	if b.used.Add(n) > b.limit {
		b.used.Add(-n)
		return false
	}
	return true
}

// meteredBody is a request's body whose bytes are charged as they are read, and held
// until the request is over: what was decoded from them lives as long.
type meteredBody struct {
	io.ReadCloser
	budget *budget
	taken  int64
}

// Read implements io.Reader.
func (m *meteredBody) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	if !m.budget.take(int64(n)) {
		return 0, &fault.Error{
			Kind: fault.Unavailable, RetryAfter: time.Second,
			Message: "The server holds as many request bodies as it can. Retry your request.",
		}
	}
	m.taken += int64(n)
	return n, err
}

func (m *meteredBody) release() { m.budget.used.Add(-m.taken) }

// unmetered returns the body below a meter, for one that is not kept.
func unmetered(body io.ReadCloser) io.ReadCloser {
	if m, ok := body.(*meteredBody); ok {
		return m.ReadCloser
	}
	return body
}
