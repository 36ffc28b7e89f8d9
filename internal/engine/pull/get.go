package pull

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxPage bounds listings.
const maxPage = 32 << 20

// page is an answer that is read whole.
type page struct {
	body   []byte
	url    *url.URL // after redirects
	header http.Header
}

// get fetches a listing, and asks again when the server cannot answer now.
func (p *Puller) get(ctx context.Context, address, accept, token string) (*page, error) {
	pause := p.pause
	for left := attempts; ; left-- {
		got, after, err := p.getOnce(ctx, address, accept, token)
		if err == nil {
			return got, nil
		}
		if _, ok := errors.AsType[*permanentError](err); ok || ctx.Err() != nil || left <= 1 {
			return nil, err
		}
		select {
		case <-time.After(max(pause, after)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		pause *= 2
	}
}

func (p *Puller) getOnce(ctx context.Context, address, accept, token string) (*page, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, p.stall)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, &permanentError{redacted(err)}
	}
	req.Header.Set("Accept", accept)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := p.cfg.Client.Do(req)
	if err != nil {
		return nil, 0, redacted(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end or given up
	if resp.StatusCode != http.StatusOK {
		after, err := statusError(resp)
		return nil, after, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPage+1))
	switch {
	case err != nil:
		return nil, 0, err
	case len(body) > maxPage:
		return nil, 0, &permanentError{fmt.Errorf("%s answers with more than %d MiB", req.URL.Host, maxPage>>20)}
	}
	return &page{body: body, url: resp.Request.URL, header: resp.Header}, 0, nil
}

// redacted keeps passwords of addresses out of an error.
func redacted(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		where := "the server"
		if parsed, e := url.Parse(u.URL); e == nil {
			where = parsed.Host
		}
		return fmt.Errorf("%s %s: %w", strings.ToLower(u.Op), where, u.Err)
	}
	return err
}
