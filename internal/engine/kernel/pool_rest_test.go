package kernel

import (
	"testing"
	"time"
)

// interrupt lets a crowd of three helpers live through a time in which threads are late
// again and again while all helpers take part, and returns the fraction of the time
// during which one or more rested.
func interrupt(c *crowd, from, until, every, late time.Duration) float64 {
	const step = time.Millisecond
	var rested, last time.Duration
	for now := from; now < until; now += step {
		if c.fit(3, now) < 3 {
			rested += step
			last = now
			continue
		}
		if now-last >= every {
			c.late(late, 3, now)
			last = now
		}
	}
	return float64(rested) / float64(until-from)
}

func TestCrowdRestsWhereThatPays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		every, late time.Duration
		least, most float64
	}{
		{"an interruption now and then", 100 * time.Millisecond, 4 * time.Millisecond, 0, 0},
		{"short ones", 8 * time.Millisecond, time.Millisecond, 0, 0},
		{"a long one at times", 2 * time.Second, 12 * time.Millisecond, 0, 0.02},
		{"another process on a core", 8 * time.Millisecond, 4 * time.Millisecond, 0.9, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := interrupt(new(crowd), 0, 20*time.Second, test.every, test.late); got < test.least || got > test.most {
				t.Errorf("a helper rested %.3f of the time, want %v to %v", got, test.least, test.most)
			}
		})
	}
}

func TestCrowdRecovers(t *testing.T) {
	t.Parallel()
	var c crowd
	busy := 5 * time.Second
	interrupt(&c, 0, busy, 8*time.Millisecond, 4*time.Millisecond)
	if got := c.fit(3, busy+restMax+time.Millisecond); got != 3 {
		t.Errorf("%d of 3 helpers take part after a rest", got)
	}
	calm := busy + 10*restMax
	for now := busy; now < calm; now += restMin {
		c.fit(3, now)
	}
	if got := c.fit(3, calm); got != 3 {
		t.Errorf("%d of 3 helpers take part after a calm time", got)
	}
	c.late(2*lateMost, 3, calm)
	if got := c.fit(3, calm+restMin+time.Millisecond); got != 3 {
		t.Errorf("%d of 3 helpers after the first short rest of another time: it should be short again", got)
	}
}

func TestCrowdNeverRestsMoreThanThereAre(t *testing.T) {
	t.Parallel()
	var c crowd
	for i := range 50 {
		c.late(time.Second, 2, time.Duration(i)*time.Millisecond)
	}
	if got := c.fit(2, 50*time.Millisecond); got != 0 {
		t.Errorf("%d helpers, want 0", got)
	}
}
