package sched

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/engine/sample"
)

// arrival is a request of a scenario: its letter names it, by its prompt's first token.
type arrival struct {
	at     time.Duration
	letter byte
	prompt int
	max    int
	owner  string
	vip    bool
}

// play runs a scenario in which a step takes a millisecond, and returns the steps.
func play(t *testing.T, pages int, c Config, arrivals ...arrival) (steps string, stats Stats) {
	t.Helper()
	m := &fakeModel{perStep: ms(1)}
	s := newWarm(t, m, pages, c)
	begin := time.Now()
	var runs []*outcome
	for _, a := range arrivals {
		time.Sleep(a.at - time.Since(begin))
		synctest.Wait()
		r := Request{Prompt: prompt(a.letter, a.prompt), MaxTokens: a.max, Owner: a.owner, Reserved: a.vip}
		run := start(t, s, r)
		runs = append(runs, background(run))
		defer func() {
			if got := run.Result(); got.Finish != Length {
				t.Errorf("%c: %+v", a.letter, got)
			}
		}()
	}
	for i, o := range runs {
		<-o.done
		r := Request{Prompt: prompt(arrivals[i].letter, arrivals[i].prompt), MaxTokens: arrivals[i].max}
		if want, _ := want(t, r, s.limit); o.err != nil || !slices.Equal(o.ids, want) {
			t.Errorf("%c: got %v, %v, want %v", arrivals[i].letter, o.ids, o.err, want)
		}
	}
	synctest.Wait()
	stats = s.Stats()
	idle(t, s)
	return m.log(), stats
}

// half a step: who comes then takes part in the next one.
const half = 500 * time.Microsecond

// TestSteps shows step by step who reads what. A line is a step, a word is a sequence: its
// letter, the first token that it reads, and where it stops if it reads several.
func TestSteps(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name     string
		pages    int
		c        Config
		arrivals []arrival
		want     string
	}{
		{
			"alone, in chunks", 20,
			Config{BatchTokens: 128},
			[]arrival{{letter: 'a', prompt: 300, max: 3}},
			`a0-128
			 a128-256
			 a256-300
			 a300
			 a301`,
		},
		{
			"chunks beside a decode, which never waits for more than one", 20,
			Config{BatchTokens: 128},
			[]arrival{{letter: 'a', prompt: 5, max: 6}, {at: ms(1) - half, letter: 'b', prompt: 300, max: 1}},
			`a0-5
			 a5 b0-128
			 a6 b128-256
			 a7 b256-300
			 a8
			 a9`,
		},
		{
			// a is the oldest and the shorter of two; then c is, and a keeps its half.
			"a short prompt overtakes long ones", 60,
			Config{BatchTokens: 128},
			[]arrival{
				{letter: 'a', prompt: 700, max: 1},
				{letter: 'b', prompt: 800, max: 1},
				{at: ms(2) - half, letter: 'c', prompt: 60, max: 3},
			},
			`a0-128
			 a128-256
			 a256-320 c0-60
			 a320-448 c60
			 a448-576 c61
			 a576-700
			 b0-128
			 b128-256
			 b256-384
			 b384-512
			 b512-640
			 b640-768
			 b768-800`,
		},
		{
			// It gets its half, and the others are done one after the other.
			"a long prompt is not starved by short ones", 60,
			Config{BatchTokens: 128},
			[]arrival{
				{letter: 'a', prompt: 400, max: 1},
				{letter: 'b', prompt: 100, max: 1},
				{letter: 'c', prompt: 100, max: 1},
				{letter: 'd', prompt: 100, max: 1},
			},
			`a0-128
			 a128-192 b0-64
			 a192-256 b64-100 c0-28
			 a256-320 c28-64 d0-28
			 a320-384 c64-100 d28-56
			 a384-400 d56-100`,
		},
		{
			"owners take turns", 60,
			Config{BatchTokens: 64, MaxSequences: 1},
			[]arrival{
				{letter: 'a', prompt: 64, max: 1, owner: "me"},
				{letter: 'b', prompt: 64, max: 1, owner: "me"},
				{letter: 'c', prompt: 64, max: 1, owner: "me"},
				{letter: 'd', prompt: 64, max: 1, owner: "you"},
			},
			// When d comes it stands where its owner stands: b and d have waited alike.
			`a0-64
			 b0-64
			 d0-64
			 c0-64`,
		},
		{
			"an owner with all slots gives one up", 60,
			Config{MaxSequences: 2},
			[]arrival{
				{letter: 'a', prompt: 3, max: 6, owner: "me"},
				{letter: 'b', prompt: 4, max: 6, owner: "me"},
				{at: ms(2) - half, letter: 'c', prompt: 5, max: 2, owner: "you"},
			},
			`a0-3
			 a3 b0-4
			 a4 c0-5
			 a5 c5
			 a6 b0-5
			 a7 b5
			 b6
			 b7
			 b8`,
		},
		{
			"reserved slots stay free for those that have them", 60,
			Config{MaxSequences: 2, Reserved: 1},
			[]arrival{
				{letter: 'a', prompt: 3, max: 5},
				{letter: 'b', prompt: 3, max: 2},
				{at: ms(2) - half, letter: 'v', prompt: 3, max: 2, vip: true},
			},
			`a0-3
			 a3
			 v0-3 a4
			 v3 a5
			 a6
			 b0-3
			 b3`,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				got, _ := play(t, c.pages, c.c, c.arrivals...)
				if diff := cmp.Diff(strings.Split(got, "\n"), lines(c.want)); diff != "" {
					t.Errorf("got\n%s\n%s", got, diff)
				}
			})
		})
	}
}

// lines returns the lines of a text without the space around them.
func lines(text string) []string {
	var out []string
	for l := range strings.Lines(text) {
		out = append(out, strings.TrimSpace(l))
	}
	return out
}

// TestPreempt: when pages run out, the youngest loses its own, and goes on later from what
// nobody has taken in the meantime.
func TestPreempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, stats := play(t, 4, Config{}, arrival{letter: 'a', prompt: 60, max: 80}, arrival{letter: 'b', prompt: 60, max: 80})
		var b []string
		for _, step := range lines(log) {
			if i := strings.Index(step, "b"); i >= 0 {
				b = append(b, step[i:])
			}
		}
		// b has 127 tokens when a needs a third page. That takes nothing of b's first page.
		i := slices.Index(b, "b64-128")
		if stats.Preempted != 1 || i < 0 || b[i-1] != "b126" || b[i+1] != "b128" {
			t.Errorf("%d were preempted, b read %v", stats.Preempted, b)
		}
	})
}

// TestFirstToken: a short prompt's first token comes within two steps of its arrival, however
// many long prompts are being read and texts written.
func TestFirstToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &fakeModel{perStep: ms(1)}
		s := newWarm(t, m, 2000, Config{MaxSequences: 16, BatchTokens: 128})
		for i := range 10 {
			background(start(t, s, Request{Prompt: prompt(byte('a'+i), 8000), MaxTokens: 50}))
		}
		for i := range 4 {
			background(start(t, s, Request{Prompt: prompt(byte('k'+i), 4), MaxTokens: 5000}))
		}
		time.Sleep(ms(20))
		for i := range 20 {
			begin := time.Now()
			for _, err := range start(t, s, Request{Prompt: prompt('z', 60-i), MaxTokens: 2}).Tokens() {
				if err != nil {
					t.Fatal(err)
				}
				if d := time.Since(begin); d > ms(2) {
					t.Errorf("the first token came after %v", d)
				}
				break
			}
			time.Sleep(ms(7))
		}
		s.Close()
	})
}

// TestShare: what one has read others don't read again, at the same time or later, if they
// have the same owner.
func TestShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &fakeModel{perStep: ms(1)}
		s := newWarm(t, m, 100, Config{BatchTokens: 128})
		ask := func(owner string, last int32) Request {
			return Request{Prompt: append(prompt('a', 320), last), MaxTokens: 1, Owner: owner, CachePoints: []CachePoint{{Tokens: 300}}}
		}
		var runs []*Run
		for i := range int32(3) {
			runs = append(runs, start(t, s, ask("me", i)))
		}
		for i, run := range runs {
			if _, err := collect(run); err != nil {
				t.Fatal(err)
			}
			want := Result{Finish: Length, Prompt: 321, Cached: 320, Generated: 1}
			if i == 0 {
				want.Cached, want.Stored = 0, 256
			}
			got := run.Result()
			got.Queued, got.Prefill = 0, 0
			if got != want || run.Cached() != want.Cached {
				t.Errorf("run %d: got %+v, want %+v", i, got, want)
			}
		}
		if diff := cmp.Diff(lines(m.log()), []string{"a0-128", "a128-256", "a256-321", "a320 a320"}); diff != "" {
			t.Error(diff)
		}
		later := start(t, s, ask("me", 9))
		if _, err := collect(later); err != nil || later.Result().Cached != 320 {
			t.Errorf("%+v, %v", later.Result(), err)
		}
		other := start(t, s, ask("you", 9))
		if _, err := collect(other); err != nil || other.Result().Cached != 0 {
			t.Errorf("another owner: %+v, %v", other.Result(), err)
		}
		s.Close()
		idle(t, s)
	})
}

// TestConversation: the next turn finds the last one's answer too.
func TestConversation(t *testing.T) {
	t.Parallel()
	s := newScheduler(t, &fakeModel{}, 100, Config{})
	text := prompt('a', 100)
	ids, err := collect(start(t, s, Request{Prompt: text, MaxTokens: 100}))
	if err != nil {
		t.Fatal(err)
	}
	run := start(t, s, Request{Prompt: slices.Concat(text, ids, prompt('b', 10)), MaxTokens: 1})
	if _, err := collect(run); err != nil || run.Result().Cached != 3*page {
		t.Errorf("%+v, %v", run.Result(), err)
	}
}

// TestFailures: who makes the model fail fails alone, and the others go on.
func TestFailures(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for kind, fail := range map[string]func() error{
		"error": func() error { return broken },
		"panic": func() error { panic("it broke") },
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &fakeModel{perStep: ms(1), fail: func(names string) error {
					if strings.Contains(names, "x") {
						return fail()
					}
					return nil
				}}
				s := newScheduler(t, m, 100, Config{})
				good := []Request{
					{Prompt: prompt('a', 100), MaxTokens: 20},
					{Prompt: prompt('b', 10), MaxTokens: 20, Constraint: &multiples{by: 2, left: 15}},
				}
				var runs []*outcome
				for _, r := range good {
					runs = append(runs, background(start(t, s, r)))
				}
				time.Sleep(ms(5))
				bad := start(t, s, Request{Prompt: prompt('x', 10), MaxTokens: 5})
				_, err := collect(bad)
				var p *PanicError
				if kind == "error" && !errors.Is(err, broken) || kind == "panic" && (!errors.As(err, &p) || p.Value != "it broke" || len(p.Stack) == 0) {
					t.Errorf("got %v", err)
				}
				good[1].Constraint = &multiples{by: 2, left: 15}
				for i, o := range runs {
					<-o.done
					if ids, _ := want(t, good[i], s.limit); o.err != nil || !slices.Equal(o.ids, ids) {
						t.Errorf("%d: got %v, %v, want %v", i, o.ids, o.err, ids)
					}
				}
				synctest.Wait()
				if st := s.Stats(); st.Failed != 1 || st.FailedSteps != 1 || st.Finished != 2 {
					t.Errorf("%+v", st)
				}
				idle(t, s)
			})
		})
	}
}

// TestBrokenConstraints end their own runs.
func TestBrokenConstraints(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	s := newScheduler(t, &fakeModel{}, 100, Config{})
	other := background(start(t, s, Request{Prompt: prompt('a', 100), MaxTokens: 500}))
	for want, c := range map[string]Constraint{
		"broken":                   &multiples{by: 2, left: 5, fails: broken},
		"the constraint panicked":  &multiples{by: 2, left: 5, panics: true},
		"no token is allowed":      nothing{},
		"is no multiple of 100000": &liar{multiples{by: 100000, left: 5}},
	} {
		ids, err := collect(start(t, s, Request{Prompt: prompt('b', 70), Constraint: c}))
		if err == nil || !strings.Contains(err.Error(), want) || ids != nil {
			t.Errorf("got %v, %v, want %q", ids, err, want)
		}
	}
	if <-other.done; other.err != nil || len(other.ids) != 500 {
		t.Errorf("the other got %d tokens, %v", len(other.ids), other.err)
	}
}

// nothing allows nothing.
type nothing struct{}

func (nothing) Mask([]uint64) error { return nil }
func (nothing) Accept(int32) error  { return nil }
func (nothing) Done() bool          { return false }

// liar allows what it doesn't accept.
type liar struct{ multiples }

func (*liar) Mask(bits []uint64) error {
	bits[0] = 2
	return nil
}

// TestSlowConsumer: who doesn't read stalls nobody else, holds no slot that others want, and
// gets its text in the end.
func TestSlowConsumer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &fakeModel{perStep: ms(1)}
		s := newScheduler(t, m, 100, Config{MaxSequences: 2, Buffer: 4, StallLimit: time.Hour})
		r := Request{Prompt: prompt('a', 70), MaxTokens: 30}
		slow := start(t, s, r)
		time.Sleep(ms(50))
		if st := s.Stats(); st.Running != 1 || st.Generated != 4 || st.Steps != 5 {
			t.Errorf("%+v", st)
		}
		var others []*outcome
		for i := range 4 {
			others = append(others, background(start(t, s, Request{Prompt: prompt(byte('b'+i), 10), MaxTokens: 10})))
		}
		begin := time.Now()
		for _, o := range others {
			if <-o.done; o.err != nil {
				t.Error(o.err)
			}
		}
		if d := time.Since(begin); d > ms(24) {
			t.Errorf("the others took %v", d)
		}
		if st := s.Stats(); st.Suspended != 1 || st.Preempted != 1 {
			t.Errorf("the slow one holds a slot: %+v", st)
		}
		var got []int32
		for tok, err := range slow.Tokens() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, tok.ID)
			time.Sleep(ms(20))
		}
		if ids, _ := want(t, r, s.limit); !slices.Equal(got, ids) {
			t.Errorf("got %v, want %v", got, ids)
		}
		idle(t, s)
	})
}

// TestStalled: who doesn't read for too long is given up, whether it holds a slot or not.
func TestStalled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, &fakeModel{perStep: ms(1)}, 100, Config{MaxSequences: 1, Buffer: 4, StallLimit: time.Minute})
		parked := start(t, s, Request{Prompt: prompt('a', 70)})
		time.Sleep(time.Second)
		holding := start(t, s, Request{Prompt: prompt('b', 70)})
		time.Sleep(time.Second)
		if st := s.Stats(); st.Running != 1 || st.Suspended != 1 {
			t.Errorf("%+v", st)
		}
		time.Sleep(50 * time.Second)
		for i, run := range []*Run{parked, holding} {
			begin := time.Now()
			if r := run.Result(); r.Generated != 4 || time.Since(begin) > 10*time.Second {
				t.Errorf("%d: %+v after %v", i, r, time.Since(begin))
			}
			if ids, err := collect(run); !errors.Is(err, ErrStalled) || len(ids) != 4 {
				t.Errorf("%d: got %v, %v", i, ids, err)
			}
		}
		synctest.Wait()
		idle(t, s)
	})
}

// TestMemoryIsGivenBack some time after the last request.
func TestMemoryIsGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, &fakeModel{perStep: ms(1)}, 100, Config{KeepFor: time.Minute})
		for range 2 {
			r := Request{Prompt: prompt('a', 200), MaxTokens: 1, CachePoints: []CachePoint{{Tokens: 100, For: time.Hour}}}
			if _, err := collect(start(t, s, r)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if got := s.Stats().Cache; got.Cached != 3 {
				t.Errorf("after a second: %+v", got)
			}
			time.Sleep(2 * time.Minute)
			if got := s.Stats().Cache; got.Cached != 1 || got.Mapped == 0 {
				t.Errorf("after two minutes: %+v", got)
			}
			time.Sleep(time.Hour)
			if got := s.Stats().Cache; got.Cached != 0 || got.Mapped != 0 {
				t.Errorf("after an hour: %+v", got)
			}
		}
	})
}

// TestPace: steps of a slow model stay short while others wait, and longer ones are read
// where nobody does.
func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &fakeModel{perStep: ms(20), perToken: ms(2)}
		s := newScheduler(t, m, 400, Config{StepTime: ms(200)})
		talk := background(start(t, s, Request{Prompt: prompt('a', 3), MaxTokens: 200}))
		time.Sleep(ms(100))
		m.log()
		if _, err := collect(start(t, s, Request{Prompt: prompt('b', 2000), MaxTokens: 1})); err != nil {
			t.Fatal(err)
		}
		for i, step := range lines(m.log()) {
			var a, from, to int
			if _, err := fmt.Sscanf(step, "a%d b%d-%d", &a, &from, &to); err != nil {
				continue // b isn't there yet
			}
			if took := ms(20 + 2*(1+to-from)); took > ms(250) || i > 10 && took < ms(100) && to != 2000 {
				t.Errorf("step %d, %q, took %v", i, step, took)
			}
		}
		if <-talk.done; talk.err != nil {
			t.Fatal(talk.err)
		}
		m.log()
		if _, err := collect(start(t, s, Request{Prompt: prompt('c', 1000), MaxTokens: 1})); err != nil {
			t.Fatal(err)
		}
		if n := len(lines(m.log())); n > 8 {
			t.Errorf("alone, 1000 tokens took %d steps", n)
		}
	})
}

// TestNotNumbers: a sequence whose logits are no numbers fails alone.
func TestNotNumbers(t *testing.T) {
	t.Parallel()
	m := &fakeModel{broken: 'n'}
	s := newScheduler(t, m, 100, Config{})
	other := background(start(t, s, Request{Prompt: prompt('a', 10), MaxTokens: 300}))
	ids, err := collect(start(t, s, Request{Prompt: prompt('n', 10), MaxTokens: 3}))
	if !errors.Is(err, sample.ErrLogits) || ids != nil {
		t.Errorf("got %v, %v", ids, err)
	}
	if <-other.done; other.err != nil || len(other.ids) != 300 {
		t.Errorf("the other got %d tokens, %v", len(other.ids), other.err)
	}
}

// TestMasksBesideTheModel: masks are computed while the model runs.
func TestMasksBesideTheModel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, &fakeModel{perStep: ms(10)}, 100, Config{})
		c := &slowMask{multiples{by: 1, left: 10}}
		begin := time.Now()
		if _, err := collect(start(t, s, Request{Prompt: prompt('a', 10), Constraint: c})); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begin); d != ms(100) {
			t.Errorf("10 tokens took %v", d)
		}
	})
}

// slowMask needs as long as the model.
type slowMask struct{ multiples }

func (s *slowMask) Mask(bits []uint64) error {
	time.Sleep(ms(10))
	return s.multiples.Mask(bits)
}

// TestBudget follows the number of prompt tokens per step, from measurement to measurement.
func TestBudget(t *testing.T) {
	t.Parallel()
	p := pace{most: 512, step: ms(100), perToken: -1}
	steps := []struct {
		tokens        int
		took          time.Duration
		alone, shared int // after it
	}{
		{0, 0, 64, 64},             // nothing is known
		{3, ms(50), 64, 64},        // too few to say anything
		{64, ms(6), 128, 128},      // twice that, at first
		{128, ms(12), 256, 256},    // and so on
		{256, ms(24), 512, 512},    // … to the limit of a batch
		{512, ms(512), 352, 176},   // slower than it looked: 0.55 ms per token
		{512, ms(5120), 32, 32},    // much slower: as few as make sense
		{32, 0, 64, 32},            // 2.6 ms
		{32, 0, 144, 64},           // 1.3 ms
		{100, ms(65), 192, 96},     // 0.98 ms
		{20, ms(13), 96, 96},       // few tokens don't make the next step long
		{20, ms(13), 64, 64},       // …
		{0, 10 * ms(1000), 64, 64}, // a step without prompts doesn't matter
	}
	for i, s := range steps {
		p.observe(s.tokens, s.took)
		if alone, shared := p.budget(false), p.budget(true); alone != s.alone || shared != s.shared {
			t.Errorf("after step %d: %d and %d, want %d and %d", i, alone, shared, s.alone, s.shared)
		}
	}
	if got := (&pace{most: 5, step: ms(1), perToken: 1e9, seen: 5}).budget(true); got != 5 {
		t.Errorf("a batch of 5 reads %d", got)
	}
}
