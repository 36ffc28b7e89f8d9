package server

import (
	"encoding/json"
	"testing"
)

// openaiError is an error as OpenAI's clients read it.
type openaiError struct {
	Message string
	Type    string
	Param   *string
	Code    any
}

func (a answer) openaiError(t testing.TB) openaiError {
	t.Helper()
	var e struct{ Error openaiError }
	if err := json.Unmarshal(a.body, &e); err != nil {
		t.Errorf("%s: %v", a.body, err)
	}
	return e.Error
}
