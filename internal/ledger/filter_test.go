package ledger

import (
	"fmt"
	"testing"
)

// A filter knows all it was given and few others.
func TestFilter(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 10, 1000} {
		f := newFilter(n)
		for i := range n {
			f.add(fmt.Sprint("request-", i))
		}
		for i := range n {
			if !f.has(fmt.Sprint("request-", i)) {
				t.Errorf("of %d: %d is not found", n, i)
			}
		}
		wrong := 0
		const tries = 10_000
		for i := range tries {
			if f.has(fmt.Sprint("other-", i)) {
				wrong++
			}
		}
		if wrong > tries/50 {
			t.Errorf("of %d: %d of %d others are found", n, wrong, tries)
		}
	}
	if filter(nil).has("anything") {
		t.Error("an empty filter has something")
	}
}
