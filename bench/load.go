package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// result is what driving a target showed.
type result struct {
	requests int             // all of them, to share out the CPU time
	cpu      time.Duration   // of the target's process, until it was quiet again
	elapsed  time.Duration   // without warming up
	times    []time.Duration // per request within elapsed: to its end, or to the first token of a stream
}

func (r *result) add(o result) {
	r.requests += o.requests
	r.elapsed += o.elapsed
	r.cpu += o.cpu
	r.times = append(r.times, o.times...)
}

func (r *result) perRequest() time.Duration { return r.cpu / time.Duration(max(r.requests, 1)) }

func (r *result) rate() float64 { return float64(len(r.times)) / r.elapsed.Seconds() }

// quantile returns the time that a share q of the requests did not exceed.
func (r *result) quantile(q float64) time.Duration {
	if len(r.times) == 0 {
		return 0
	}
	slices.Sort(r.times)
	return r.times[min(int(q*float64(len(r.times))), len(r.times)-1)]
}

// drive sends requests to a target from so many clients at once, each of which sends its
// next when it has the answer to its last.
func drive(ctx context.Context, p plan, t target, clients int) (result, error) {
	requests, err := t.requests(ctx)
	if err != nil {
		return result{}, err
	}
	var (
		counting atomic.Bool
		done     atomic.Bool
		wg       sync.WaitGroup
		sent     atomic.Int64
		times    = make([][]time.Duration, clients)
		errs     = make([]error, clients)
	)
	before, err := t.process.cpu()
	for i := range clients {
		wg.Go(func() {
			var n int
			times[i], n, errs[i] = client(ctx, t, requests[i%len(requests):], &counting, &done)
			sent.Add(int64(n))
			if errs[i] != nil {
				done.Store(true)
			}
		})
	}
	time.Sleep(p.warmup)
	began := time.Now()
	counting.Store(true)
	for time.Since(began) < p.window && !done.Load() && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	counting.Store(false)
	r := result{elapsed: time.Since(began)}
	done.Store(true)
	wg.Wait()
	after, err2 := settle(ctx, t.process)
	r.cpu = after - before
	r.times = slices.Concat(times...)
	r.requests = int(sent.Load())
	return r, errors.Join(append(errs, err, err2, ctx.Err())...)
}

// settle waits until a process has nothing more to do and returns the CPU time that it
// has used by then: work that was put off until after the load counts as well.
func settle(ctx context.Context, p *process) (time.Duration, error) {
	const quiet = 1200 * time.Millisecond // longer than anything that is put off waits
	used, err := p.cpu()
	for since := time.Now(); err == nil && ctx.Err() == nil && time.Since(since) < quiet; {
		time.Sleep(50 * time.Millisecond)
		var now time.Duration
		if now, err = p.cpu(); now > used+clockTick {
			used, since = now, time.Now()
		}
	}
	now, err2 := p.cpu()
	return now, errors.Join(err, err2)
}

// client sends requests until done and returns how many, and the times of those that
// ended while counting was set.
func client(ctx context.Context, t target, requests [][]byte, counting, done *atomic.Bool) (times []time.Duration, sent int, err error) {
	conn, err := dial(ctx, t.addr)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	for ; !done.Load(); sent++ {
		spent, err := conn.do(requests[sent%len(requests)], t.first)
		if err != nil {
			return times, sent, err
		}
		if counting.Load() {
			times = append(times, spent)
		}
	}
	return times, sent, nil
}

// conn is a client's connection: HTTP/1.1, and as little of it as will do.
type conn struct {
	net.Conn
	r    *bufio.Reader
	body []byte
}

func dial(ctx context.Context, addr string) (*conn, error) {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(deadline); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return &conn{Conn: c, r: bufio.NewReaderSize(c, 32<<10)}, nil
}

// do sends a request and reads the answer to its end. It returns the time to the end, or,
// when first is given, the time until the answer held it.
func (c *conn) do(request, first []byte) (time.Duration, error) {
	began := time.Now()
	if _, err := c.Write(request); err != nil {
		return 0, err
	}
	status, length, err := c.readHead()
	if err != nil {
		return 0, err
	}
	c.body = c.body[:0]
	seen := time.Duration(0)
	look := func() {
		if first != nil && seen == 0 && bytes.Contains(c.body, first) {
			seen = time.Since(began)
		}
	}
	if length >= 0 {
		err = c.readBytes(length)
	} else {
		err = c.readChunks(look)
	}
	switch {
	case err != nil:
		return 0, err
	case status != "200":
		return 0, fmt.Errorf("status %s: %s", status, c.body)
	case first == nil:
		return time.Since(began), nil
	case seen == 0:
		return 0, fmt.Errorf("no token in the answer: %q", c.body)
	}
	return seen, nil
}

// readHead reads the status line and the headers. The length is negative for a body in
// chunks.
func (c *conn) readHead() (status string, length int, err error) {
	line, err := c.readLine()
	if err != nil {
		return "", 0, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return "", 0, fmt.Errorf("status line %q", line)
	}
	status = string(line[9:12])
	for {
		line, err := c.readLine()
		if err != nil {
			return "", 0, err
		}
		if len(line) == 0 {
			return status, length, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return "", 0, err
			}
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			length = -1
		}
	}
}

func (c *conn) readLine() ([]byte, error) {
	line, err := c.r.ReadSlice('\n')
	return bytes.TrimRight(line, "\r\n"), err
}

// readBytes appends n bytes to the body.
func (c *conn) readBytes(n int) error {
	at := len(c.body)
	c.body = slices.Grow(c.body, n)[:at+n]
	_, err := io.ReadFull(c.r, c.body[at:])
	return err
}

// readChunks reads a body in chunks and calls look after each.
func (c *conn) readChunks(look func()) error {
	for {
		line, err := c.readLine()
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(line)), 16, 32)
		if err != nil {
			return err
		}
		if err := c.readBytes(int(n)); err != nil {
			return err
		}
		look()
		if _, err := c.readLine(); err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
	}
}
