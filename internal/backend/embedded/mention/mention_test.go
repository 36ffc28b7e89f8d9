package mention

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// brief writes a mention in a line.
func brief(m *Mention) string {
	switch m.Kind {
	case Number:
		s := fmt.Sprintf("number %v", m.Value)
		for _, part := range []string{m.Unit, m.Currency} {
			if part != "" {
				s += " " + part
			}
		}
		if m.Ordinal {
			s += " ordinal"
		}
		return s
	case Date:
		return strings.TrimSpace("date " + m.Day.ISO() + " " + m.Day.Relative)
	case Time:
		return "time " + m.Clock
	case List:
		var items []string
		for i := range m.Items {
			items = append(items, m.Items[i].Text)
		}
		return "list " + strings.Join(items, "|")
	default:
	}
	return [...]string{Quote: "quote", URL: "url", Email: "email", ID: "id", Expr: "formula", Name: "name", JSON: "json"}[m.Kind] + " " + m.Text
}

func TestFind(t *testing.T) {
	t.Parallel()
	f := func(in string, want ...string) {
		t.Helper()
		var got []string
		found := Find(in)
		end := 0
		for i := range found.Mentions {
			m := &found.Mentions[i]
			got = append(got, brief(m))
			if m.Start < end || m.End > len(in) || m.Start >= m.End {
				t.Errorf("%q: mention %+v after %d", in, m, end)
			}
			end = m.End
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("Find(%q) (-got +want):\n%s", in, diff)
		}
	}
	f("it costs $1,234.50 or 5k", "number 1234.5 USD", "number 5000")
	f("5 years at 4.5% for $2 million", "number 5 years", "number 4.5 percent", "number 2e+06 USD")
	f("a = -3, b=2e-9, from -2 to 2", "number -3", "number 2e-09", "number -2", "number 2")
	f("twenty-five people, the 3rd time", "number 25 people", "number 3 ordinal")
	f("6 ft and 20 m/s at 30°C", "number 6 ft", "number 20 m/s", "number 30 °c")
	f("on March 3rd, 2027 or 2027-03-04, at 7:30 pm", "date 2027-03-03", "date 2027-03-04", "time 19:30")
	f("5 May 1990, tomorrow, next Friday, in 1999", "date 1990-05-05", "date  tomorrow", "date  next friday", "date 1999")
	f("say 'no way' to \"Mr. X\" or `ls -l`", "quote no way", "quote Mr. X", "quote ls -l")
	f("mail ann@x.org about https://x.org/a?b=1.", "email ann@x.org", "url https://x.org/a?b=1")
	f("check i-0abc12 in arn:aws:s3:::bucket/key and user_id at /var/log/x.log", "id i-0abc12", "id arn:aws:s3:::bucket/key", "id user_id", "id /var/log/x.log")
	f("solve 3x^2 + 2x - 1", "formula 3x^2 + 2x - 1")
	f("points (3, 4) and [1, [2, 3]]", "list 3|4", "list 1|[2, 3]")
	f("Find the Treaty of Tordesillas in San Francisco, CA", "name Treaty of Tordesillas", "name San Francisco", "name CA")
	f("Don't go. Get it now", []string(nil)...)
	f("the set {\"a\": 1} here", `json {"a": 1}`)
}

func TestResolve(t *testing.T) {
	t.Parallel()
	today := time.Date(2024, 2, 28, 0, 0, 0, 0, time.UTC) // a Wednesday
	for relative, want := range map[string]string{
		"today": "2024-02-28", "tomorrow": "2024-02-29", "the day before yesterday": "2024-02-26",
		"next friday": "2024-03-01", "next wednesday": "2024-03-06", "last monday": "2024-02-26", "next month": "",
	} {
		if got := (Day{Relative: relative}).Resolve(today).ISO(); got != want {
			t.Errorf("%s = %q, want %q", relative, got, want)
		}
	}
	if got := (Day{Relative: "today"}).Resolve(time.Time{}).ISO(); got != "" {
		t.Errorf("today without a today = %q", got)
	}
}

func FuzzFind(f *testing.F) {
	f.Add("A = (3, 4), 'x' [1, {\"a\":2}] $5k 3x^2 tomorrow at 5pm, San Francisco, CA i-0ab 京都")
	f.Fuzz(func(t *testing.T, s string) {
		found := Find(s)
		end := 0
		for _, m := range found.Mentions {
			if m.Start < end || m.End > len(s) || m.Start >= m.End || m.T0 > m.T1 || m.T1 > len(found.Words) {
				t.Fatalf("mention %+v after %d in %q", m, end, s)
			}
			end = m.End
		}
	})
}
