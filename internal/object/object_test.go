package object

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// TestAlgorithms compares with the check values of the catalogue of CRCs, and of FIPS 180.
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	for alg, want := range map[Algorithm]string{
		CRC32: "cbf43926", CRC32C: "e3069283", CRC64NVME: "ae8b14860a799888",
		SHA1:   "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
		SHA256: "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
	} {
		h := alg.New()
		h.Write([]byte("123456789"))
		if got := hex.EncodeToString(h.Sum(nil)); got != want || len(want) != 2*alg.Size() {
			t.Errorf("%s: got %s, want %s", alg, got, want)
		}
	}
	if Algorithm("MD5").Known() || Algorithm("").New() != nil {
		t.Error("an algorithm that is none is known")
	}
}

// TestWholeOf cuts a body at every byte: the CRC of the whole follows from the two.
func TestWholeOf(t *testing.T) {
	t.Parallel()
	body := []byte(strings.Repeat("the quick brown fox ", 20))
	part := func(alg Algorithm, b []byte) Part {
		h := alg.New()
		h.Write(b)
		return Part{Size: int64(len(b)), Checksum: Checksum{Algorithm: alg, Value: base64.StdEncoding.EncodeToString(h.Sum(nil))}}
	}
	for _, alg := range []Algorithm{CRC32, CRC32C, CRC64NVME} {
		want := part(alg, body).Checksum.Value
		for cut := range body {
			if got := WholeOf(alg, []Part{part(alg, body[:cut]), part(alg, body[cut:])}); got.Value != want {
				t.Fatalf("%s cut at %d: got %s, want %s", alg, cut, got.Value, want)
			}
		}
	}
	if got := WholeOf(CRC32, []Part{{Size: 1}}); got != (Checksum{}) {
		t.Errorf("parts without checksums come to %+v", got)
	}
}

func TestMeter(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	f := func(name, body string, o PutOptions, want error, code Code) {
		t.Helper()
		for _, r := range []io.Reader{strings.NewReader(body), iotest.OneByteReader(strings.NewReader(body)), iotest.DataErrReader(strings.NewReader(body))} {
			_, err := io.ReadAll(NewMeter(r, &o))
			if !errors.Is(err, want) && !Is(err, code) || err == nil && (want != nil || code != "") {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
	f("right", "hello", PutOptions{Size: 5}, nil, "")
	f("unknown size", "hello", PutOptions{}, nil, "")
	f("short", "hell", PutOptions{Size: 5}, errors.ErrUnsupported, IncompleteBody)
	f("long", "hello!", PutOptions{Size: 5}, errors.ErrUnsupported, EntityTooLarge)
	f("refused", "hello", PutOptions{Check: func(Sums) error { return refused }}, refused, "")
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]bool{
		"abc": true, "a.b-c": true, strings.Repeat("a", 63): true, "1ab": true,
		"": false, "ab": false, "Abc": false, "a_b": false, "-ab": false, "ab-": false, ".ab": false, "a..b": false, "a.-b": false,
		"192.168.1.1": false, "xn--abc": false, "abc-s3alias": false, strings.Repeat("a", 64): false, "a/b": false,
	} {
		if err := CheckBucket(name); (err == nil) != good {
			t.Errorf("%q: got %v", name, err)
		}
	}
	for key, good := range map[string]bool{"a": true, strings.Repeat("k", MaxKey): true, "": false, strings.Repeat("k", MaxKey+1): false, "\xff": false} {
		if err := CheckKey(key); (err == nil) != good {
			t.Errorf("%q: got %v", key, err)
		}
	}
}

func TestErrorKinds(t *testing.T) {
	t.Parallel()
	for err, want := range map[*Error]fault.Kind{
		ErrNoBucket(): fault.NotFound, ErrPrecondition(): fault.Conflict, Errorf(AccessDenied, "x"): fault.Denied,
		Errorf(InvalidRange, "x"): fault.Invalid, Errorf(ServiceUnavailable, "x"): fault.Unavailable,
	} {
		if got := fault.KindOf(err); got != want {
			t.Errorf("%s: got %v, want %v", err.Code, got, want)
		}
	}
}
