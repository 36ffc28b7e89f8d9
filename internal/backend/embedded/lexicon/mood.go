package lexicon

import (
	"strings"
	"sync"

	"github.com/outcrop-ai/outcrop/internal/text"
)

const (
	praise = `good great excellent wonderful amazing fantastic awesome love loved loves like liked happy glad pleased satisfied perfect best beautiful delicious friendly
helpful fast enjoy enjoyed enjoyable recommend impressive superb brilliant nice delightful pleasant comfortable reliable outstanding thank thanks easy fresh clean favorite favourite fun smooth
exceeded charming`
	blame = `bad terrible awful horrible worst hate hated poor disappointing disappointed disappointment sad angry annoying annoyed broken broke slow rude dirty useless waste wasted boring
ugly uncomfortable unreliable fail failed fails failure problem problems issue issues complaint complain never refund difficult cold late expensive overpriced unhappy frustrating frustrated
mess buggy crash crashes crashed unacceptable mediocre bland regret avoid`
	turning = `not no never isn't wasn't don't didn't doesn't hardly barely without cannot can't won't`
)

type moods struct{ praise, blame, turning map[string]bool }

var loadMoods = sync.OnceValue(func() *moods {
	set := func(s string) map[string]bool {
		m := map[string]bool{}
		for w := range strings.FieldsSeq(s) {
			m[text.Stem(w)] = true
		}
		return m
	}
	return &moods{set(praise), set(blame), set(turning)}
})

// Mood picks the option that says how a text feels, when the options are such as
// "positive" and "negative"; -1 when they are not. A text without words of either
// kind is neutral when that is an option.
func Mood(options []string, s string) int {
	good, bad, neither := -1, -1, -1
	for i, o := range options {
		switch strings.ToLower(o) {
		case "positive", "pos", "good", "happy":
			good = i
		case "negative", "neg", "bad", "unhappy":
			bad = i
		case "neutral", "mixed", "none":
			neither = i
		}
	}
	if good < 0 || bad < 0 {
		return -1
	}
	m := loadMoods()
	names := options[good] + " " + options[bad]
	score, turned := 0, 0
	for _, w := range text.Words(s) {
		stem := text.Stem(w.Norm)
		sign := 1
		if turned > 0 {
			sign = -1
		}
		switch {
		case m.turning[stem]:
			turned = 4 // the next few words
		case strings.Contains(text.Lower(names), w.Norm): // the options themselves
		case m.praise[stem]:
			score += sign
		case m.blame[stem]:
			score -= sign
		}
		turned--
	}
	switch {
	case score > 0:
		return good
	case score < 0:
		return bad
	default:
		return neither
	}
}
