package sample

import (
	"errors"
	"fmt"
	"math"
)

// Params say how a token is chosen. The zero value is greedy: always the most likely.
type Params struct {
	// Temperature divides the logits. 0: greedy, and the filters don't matter.
	Temperature float64
	// TopK keeps the most likely tokens. 0: all.
	TopK int
	// TopP keeps the most likely tokens that together have this probability, the one
	// that reaches it included. 0 and 1: all.
	TopP float64
	// MinP drops tokens less likely than MinP times the most likely one. 0: none.
	MinP float64

	// RepeatPenalty divides the logits above zero and multiplies the others of tokens
	// that stand in the prompt or the text. 0 and 1: none.
	RepeatPenalty float64
	// FrequencyPenalty is taken off a token's logit for each time that it was chosen.
	FrequencyPenalty float64
	// PresencePenalty is taken off the logits of tokens that were chosen before.
	PresencePenalty float64
	// RepeatWindow is how many of the last tokens the penalties look at. 0: all.
	RepeatWindow int

	// Seed fixes what is drawn. Every value is a seed, 0 too: who wants variety draws it.
	Seed uint64
}

// Validate reports everything that is wrong with the parameters.
func (p Params) Validate() error {
	var errs []error
	check := func(ok bool, name string, value float64, want string) {
		if !ok {
			errs = append(errs, fmt.Errorf("%s %v is not %s", name, value, want))
		}
	}
	check(p.Temperature >= 0 && p.Temperature <= maxTemperature, "temperature", p.Temperature, "between 0 and 1000")
	check(p.TopK >= 0, "top k", float64(p.TopK), "0 or more")
	check(p.TopP >= 0 && p.TopP <= 1, "top p", p.TopP, "between 0 and 1")
	check(p.MinP >= 0 && p.MinP <= 1, "min p", p.MinP, "between 0 and 1")
	check(p.RepeatPenalty >= 0 && p.RepeatPenalty <= maxPenalty, "repeat penalty", p.RepeatPenalty, "between 0 and 1000")
	check(math.Abs(p.FrequencyPenalty) <= maxPenalty, "frequency penalty", p.FrequencyPenalty, "between -1000 and 1000")
	check(math.Abs(p.PresencePenalty) <= maxPenalty, "presence penalty", p.PresencePenalty, "between -1000 and 1000")
	check(p.RepeatWindow >= 0, "repeat window", float64(p.RepeatWindow), "0 or more")
	return errors.Join(errs...)
}

const (
	maxTemperature = 1000
	maxPenalty     = 1000
)

// penalizes reports whether there are penalties at all.
func (p *Params) penalizes() bool {
	return p.repeats() || p.FrequencyPenalty != 0 || p.PresencePenalty != 0
}

// repeats reports whether there is a penalty that looks at the prompt too.
func (p *Params) repeats() bool { return p.RepeatPenalty != 0 && p.RepeatPenalty != 1 }

// Candidate is a token that could have been chosen.
type Candidate struct {
	ID      int32
	Logprob float32 // of the unmodified distribution
}
