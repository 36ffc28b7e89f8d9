package scripted

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/backend/estimate"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// player yields one reply as events.
type player struct {
	ctx    context.Context //nolint:containedctx // lives for one call of Chat
	req    *llm.ChatRequest
	yield  func(llm.Event, error) bool
	reply  *reply
	value  func(string) string // of a variable
	served llm.Served
	callID string // what IDs of calls start with

	index  int // of the open block
	pieces int // deltas sent
	output int // bytes of output sent
	over   bool
}

func (p *player) play() {
	if !p.wait(p.reply.first) {
		return
	}
	if f := p.reply.failure; f != nil {
		p.yield(nil, f.err(p.value))
		return
	}
	usage := p.usage()
	usage.OutputTokens = 0 // none has come yet
	p.send(&llm.MessageStart{Role: llm.Assistant, Served: p.served, Usage: &usage})
	if t := p.reply.reasoning; t != nil {
		p.block(&llm.Reasoning{}, p.cutText(t.expand(p.value)), func(d *llm.BlockDelta, s string) { d.Reasoning = s })
	}
	p.text()
	for i := range p.reply.calls {
		p.call(i)
	}
	if c := p.reply.cut; c != nil { // fewer pieces than the cut asks for: it comes at the end
		p.fail(c.failure.err(p.value))
	}
	p.send(&llm.MessageStop{Reason: p.stop(), Sequence: p.reply.sequence})
	p.send(&llm.Metadata{Usage: p.usage()})
}

// text plays the text, as a block with citations where the reply has some.
func (p *player) text() {
	r := p.reply
	asText := func(d *llm.BlockDelta, s string) { d.Text = s }
	switch {
	case r.json != nil:
		p.block(&llm.Text{}, p.cutText(string(r.json.expand(p.value))), asText)
		return
	case r.text == nil:
		return
	}
	chunks := make([]string, len(r.text))
	for i, t := range r.text {
		chunks[i] = t.expand(p.value)
	}
	if !r.ownChunks {
		chunks = p.cutText(chunks[0])
	} else if !p.req.Stream {
		chunks = []string{strings.Join(chunks, "")}
	}
	if r.citations == nil {
		p.block(&llm.Text{}, chunks, asText)
		return
	}
	p.open(&llm.Citations{})
	p.deltas(chunks, asText)
	for i := range r.citations {
		p.send(&llm.BlockDelta{Index: p.index, Citation: r.citations[i].expand(p.value)})
	}
	p.close()
}

func (c *citation) expand(value func(string) string) *llm.Citation {
	out := &llm.Citation{Title: c.title.expand(value), Source: c.source.expand(value)}
	if c.quote != nil {
		out.SourceContent = []string{c.quote.expand(value)}
	}
	return out
}

// inputPiece is how many characters of a tool's input a stream brings at once when
// the reply's text is cut at words.
const inputPiece = 16

func (p *player) call(i int) {
	c := &p.reply.calls[i]
	id := c.id.expand(p.value)
	if id == "" {
		id = p.callID + "_" + strconv.Itoa(i+1)
	}
	chunk := p.reply.chunk
	if chunk.words {
		chunk = chunking{runes: inputPiece}
	}
	pieces := []string{string(c.input.expand(p.value))}
	if p.req.Stream {
		pieces = chunk.split(pieces[0])
	}
	p.block(&llm.ToolUse{ID: id, Name: c.name}, pieces, func(d *llm.BlockDelta, s string) { d.ToolInput = s })
}

func (p *player) block(b llm.Block, pieces []string, set func(*llm.BlockDelta, string)) {
	p.open(b)
	p.deltas(pieces, set)
	p.close()
}

func (p *player) open(b llm.Block) { p.send(&llm.BlockStart{Index: p.index, Block: b}) }

func (p *player) close() {
	p.send(&llm.BlockStop{Index: p.index})
	p.index++
}

// deltas sends the pieces of a block, with the reply's pause between any two
// pieces of a stream.
func (p *player) deltas(pieces []string, set func(*llm.BlockDelta, string)) {
	for _, piece := range pieces {
		if p.over {
			return
		}
		if piece == "" {
			continue
		}
		if c := p.reply.cut; c != nil && p.pieces >= c.after {
			p.fail(c.failure.err(p.value))
			return
		}
		if p.req.Stream && p.pieces > 0 && !p.wait(p.reply.between) {
			return
		}
		d := &llm.BlockDelta{Index: p.index}
		set(d, piece)
		p.pieces++
		p.output += len(piece)
		p.send(d)
	}
}

// send yields an event unless the answer is over.
func (p *player) send(e llm.Event) {
	if !p.over && !p.yield(e, nil) {
		p.over = true
	}
}

func (p *player) fail(err error) {
	if !p.over {
		p.over = true
		p.yield(nil, err)
	}
}

// wait pauses, and reports whether to go on: not when the caller has gone.
func (p *player) wait(d time.Duration) bool {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-p.ctx.Done():
		}
	}
	if p.ctx.Err() == nil {
		return true
	}
	cause := context.Cause(p.ctx)
	switch fault.KindOf(p.ctx.Err()) {
	case fault.Timeout:
		p.fail(fault.Wrap(fault.Timeout, cause, "The scripted model did not answer in time."))
	default:
		p.fail(fault.Wrap(fault.Canceled, cause, "The call was cancelled."))
	}
	return false
}

// cutText cuts a text for a stream.
func (p *player) cutText(s string) []string {
	if !p.req.Stream {
		return []string{s}
	}
	return p.reply.chunk.split(s)
}

// split cuts s into pieces that join to s again.
func (c chunking) split(s string) []string {
	switch {
	case c.words:
		return words(s)
	case c.runes == 0:
		return []string{s}
	}
	var pieces []string
	for s != "" {
		end := 0
		for range c.runes {
			if end == len(s) {
				break
			}
			_, size := utf8.DecodeRuneInString(s[end:])
			end += size
		}
		pieces, s = append(pieces, s[:end]), s[end:]
	}
	return pieces
}

// words cuts after each space.
func words(s string) []string {
	pieces := strings.SplitAfter(s, " ")
	if pieces[len(pieces)-1] == "" {
		pieces = pieces[:len(pieces)-1]
	}
	return pieces
}

// stop is the declared reason, else the one that the content suggests.
func (p *player) stop() llm.StopReason {
	switch {
	case p.reply.stop != "":
		return p.reply.stop
	case len(p.reply.calls) > 0:
		return llm.StopToolUse
	}
	return llm.EndTurn
}

// usage is what the reply declares, and an estimate of the rest.
func (p *player) usage() llm.Usage {
	u := llm.Usage{InputTokens: -1, OutputTokens: -1}
	if d := p.reply.usage; d != nil {
		u = llm.Usage{InputTokens: d.input, OutputTokens: d.output, CacheReadTokens: d.cacheRead, CacheWriteTokens: d.cacheWrite}
	}
	if u.InputTokens < 0 {
		u.InputTokens, u.Estimated = estimate.Request(p.req), true
	}
	if u.OutputTokens < 0 {
		u.OutputTokens, u.Estimated = estimate.Bytes(p.output), true
	}
	return u
}

// err returns the error of a failure.
func (f *failure) err(value func(string) string) error {
	return &fault.Error{
		Kind: f.kind, Message: f.message.expand(value), RetryAfter: f.retryAfter, OriginalStatus: f.status,
	}
}
