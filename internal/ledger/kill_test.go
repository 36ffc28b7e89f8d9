package ledger

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"
)

// victimDir is set in the environment of the process that the test kills.
const victimDir = "OUTCROP_TEST_LEDGER_VICTIM"

// runVictim appends to the ledger in dir until it is killed, and reports every record
// and when it was appended.
func runVictim(dir string) {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	l, err := Open(context.Background(), Config{Dir: dir, SegmentSize: 32 << 10, LoadEvery: 10 * time.Millisecond})
	if err != nil {
		fail(err)
	}
	prefix := os.Getenv(victimDir + "_ROUND")
	for i := 0; ; i++ {
		r := testRecord(i)
		r.RequestID = fmt.Sprintf("%s-%d", prefix, i)
		r.Principal = prefix
		l.Append(r)
		if _, err := fmt.Printf("%s %d\n", r.RequestID, time.Now().UnixNano()); err != nil {
			fail(err)
		}
		if i%10 == 0 {
			time.Sleep(200 * time.Microsecond) // a busy gateway, not a flood
		}
	}
}

// acked is a record that the victim reported.
type acked struct {
	id string
	at time.Time
}

// kill runs a victim in dir and kills it after a while. It returns what it reported,
// and when it was killed.
func kill(t *testing.T, dir string, round int, after time.Duration) (reported []acked, killed time.Time) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), victimDir+"="+dir, victimDir+"_ROUND="+strconv.Itoa(round))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var timer *time.Timer
	moment := make(chan time.Time, 1)
	for lines.Scan() {
		if timer == nil { // it is under way
			timer = time.AfterFunc(after, func() {
				moment <- time.Now()
				_ = cmd.Process.Kill()
			})
		}
		var a acked
		var ns int64
		if _, err := fmt.Sscanf(lines.Text(), "%s %d", &a.id, &ns); err != nil {
			continue // the last line may be torn
		}
		a.at = time.Unix(0, ns)
		reported = append(reported, a)
	}
	_ = cmd.Wait() // killed
	if timer == nil {
		t.Fatalf("the victim died by itself: %s", stderr.String())
	}
	return reported, <-moment
}

// A process that is killed loses nothing that was appended more than 50 ms before, and
// nothing is there twice, also not when the loader was at work.
func TestKill(t *testing.T) {
	t.Parallel()
	rounds := 20
	switch {
	case testing.Short():
		rounds = 5
	case os.Getenv("OUTCROP_SOAK") != "":
		rounds = 200
	}
	dir := t.TempDir()
	kept := int64(0)
	for round := range rounds {
		reported, killed := kill(t, dir, round, rand.N(200*time.Millisecond))
		// On a busy machine the victim may stand still: that time does not count.
		allowed := 50*time.Millisecond + longestGap(reported, killed)
		l := openTest(t, Config{Dir: dir})
		flush(t, l)
		there := make(map[string]bool)
		all := records(t, l, Query{Limit: maxPage, Principal: strconv.Itoa(round)})
		for i := range all {
			if there[all[i].RequestID] {
				t.Errorf("round %d: %s is there twice", round, all[i].RequestID)
			}
			there[all[i].RequestID] = true
		}
		kept += int64(len(all))
		if got := count(t, l); got != kept {
			t.Errorf("round %d: %d records, want %d", round, got, kept)
		}
		if got := total(t, l).Calls; got != kept {
			t.Errorf("round %d: minutes count %d calls of %d", round, got, kept)
		}
		missing, tooOld := 0, 0
		for _, a := range reported {
			switch {
			case there[a.id] && missing > 0:
				t.Errorf("round %d: %s is there, one before it is not", round, a.id)
			case there[a.id]:
			case killed.Sub(a.at) > allowed:
				if tooOld++; tooOld == 1 { // the others were appended later
					t.Errorf("round %d: %s is lost, %v old when the process was killed (allowed %v)", round, a.id, killed.Sub(a.at), allowed)
				}
				fallthrough
			default:
				missing++
			}
		}
		t.Logf("round %d: %d reported, %d lost, gap %v", round, len(reported), missing, allowed-50*time.Millisecond)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			return
		}
	}
}

// count returns how many records the databases hold.
func count(t *testing.T, l *Ledger) (n int64) {
	t.Helper()
	totals, err := l.Totals(t.Context(), Query{})
	if err != nil {
		t.Fatal(err)
	}
	for _, sums := range totals {
		n += sums.Calls
	}
	return n
}

// longestGap returns how long the victim reported nothing within its last moments.
func longestGap(reported []acked, killed time.Time) (longest time.Duration) {
	next := killed
	for _, a := range slices.Backward(reported) {
		longest = max(longest, next.Sub(a.at))
		if next = a.at; killed.Sub(next) > 200*time.Millisecond {
			break
		}
	}
	return longest
}
