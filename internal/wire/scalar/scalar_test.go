package scalar_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/scalar"
)

func TestParseInt(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text string
		t    smithy.Type
		want int64
		err  error
	}{
		{"0", smithy.Long, 0, nil},
		{"-128", smithy.Byte, -128, nil},
		{"128", smithy.Byte, 0, scalar.ErrRange},
		{"32768", smithy.Short, 0, scalar.ErrRange},
		{"2147483648", smithy.Integer, 0, scalar.ErrRange},
		{"2147483647", smithy.IntEnum, math.MaxInt32, nil},
		{"9223372036854775808", smithy.Long, 0, scalar.ErrRange},
		{"", smithy.Long, 0, scalar.ErrSyntax},
		{"+1", smithy.Long, 0, scalar.ErrSyntax},
		{"1_0", smithy.Long, 0, scalar.ErrSyntax},
		{"0x1", smithy.Long, 0, scalar.ErrSyntax},
		{"1.0", smithy.Long, 0, scalar.ErrSyntax},
	} {
		got, err := scalar.ParseInt(tc.text, tc.t)
		if got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%q: got %d, %v; want %d, %v", tc.text, got, err, tc.want, tc.err)
		}
	}
}

func TestParseFloat(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"1": 1, "-0.5e-3": -0.0005, "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)} {
		if got, err := scalar.ParseFloat(text); got != want || err != nil {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "inf", "nan", "1.", ".5", "0x1p3", "1_0", "+1", "1e", "01", "1e400"} {
		if got, err := scalar.ParseFloat(text); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2014, 4, 29, 18, 30, 38, 0, time.UTC)
	for _, tc := range []struct {
		text string
		f    smithy.TimestampFormat
		want time.Time
	}{
		{"2014-04-29T18:30:38Z", smithy.DateTime, at},
		{"2014-04-29T18:30:38.125Z", smithy.DateTime, at.Add(125 * time.Millisecond)},
		{"Tue, 29 Apr 2014 18:30:38 GMT", smithy.HTTPDate, at},
		{"Tue, 29 Apr 2014 18:30:38.5 GMT", smithy.HTTPDate, at.Add(time.Second / 2)},
		{"1398796238", smithy.EpochSeconds, at},
		{"1398796238.000000001", smithy.EpochSeconds, at.Add(1)},
		{"1.398796238e9", smithy.EpochSeconds, at},
		{"-0.5", smithy.EpochSeconds, time.Unix(-1, 5e8).UTC()},
		{"-1.25", smithy.EpochSeconds, time.Unix(-2, 75e7).UTC()},
	} {
		if got, err := scalar.ParseTime(tc.text, tc.f); !got.Equal(tc.want) || err != nil || got.Location() != time.UTC {
			t.Errorf("%q: got %v, %v", tc.text, got, err)
		}
	}
	for text, f := range map[string]smithy.TimestampFormat{
		"2014-04-29T18:30:38":       smithy.DateTime,
		"2014-04-29T18:30:38+01:00": smithy.DateTime,
		"2014-04-29T8:30:38Z":       smithy.DateTime,
		"2014-04-29T18:30:38,5Z":    smithy.DateTime,
		"2014-02-30T18:30:38Z":      smithy.DateTime,
		"2014-04-29 18:30:38Z":      smithy.DateTime,
		"29 Apr 2014 18:30:38 GMT":  smithy.HTTPDate,
		"1e300":                     smithy.EpochSeconds,
		"99999999999999":            smithy.EpochSeconds,
		"NaN":                       smithy.EpochSeconds,
		"":                          smithy.EpochSeconds,
	} {
		if got, err := scalar.ParseTime(text, f); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestAppendTime(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		at   time.Time
		f    smithy.TimestampFormat
		want string
	}{
		{time.Unix(5, 0), smithy.EpochSeconds, "5"},
		{time.Unix(5, 120e6), smithy.DefaultTimestamp, "5.12"},
		{time.Unix(5, 7e6), smithy.EpochSeconds, "5.007"},
		{time.Unix(-1, 5e8), smithy.EpochSeconds, "-0.5"},
		{time.Unix(5, 123456789).In(time.FixedZone("x", 3600)), smithy.DateTime, "1970-01-01T00:00:05.123Z"},
		{time.Unix(5, 0), smithy.HTTPDate, "Thu, 01 Jan 1970 00:00:05 GMT"},
	} {
		if got := string(scalar.AppendTime(nil, tc.at, tc.f)); got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
	}
}

// FuzzNumber holds the grammar of numbers against encoding/json's, and times and
// floats to come back as they were.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-1.5e+7", "01", "1.", "1e", "--1", "123456789.123456789"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var n json.Number
		want := json.Unmarshal([]byte(s), &n) == nil && s == n.String()
		if got := scalar.Number(s); got != want {
			t.Fatalf("%q: got %t, want %t", s, got, want)
		}
		if v, err := scalar.ParseFloat(s); err == nil {
			back, err := scalar.ParseFloat(string(scalar.AppendFloat(nil, v, smithy.Double)))
			if err != nil || back != v && !math.IsNaN(v) {
				t.Errorf("%q: %v came back as %v (%v)", s, v, back, err)
			}
		}
		for _, format := range []smithy.TimestampFormat{smithy.EpochSeconds, smithy.DateTime, smithy.HTTPDate} {
			at, err := scalar.ParseTime(s, format)
			if err != nil {
				continue
			}
			back, err := scalar.ParseTime(string(scalar.AppendTime(nil, at, format)), format)
			if err != nil || back.Sub(at).Abs() >= time.Second {
				t.Errorf("%q: %v came back as %v (%v)", s, at, back, err)
			}
		}
	})
}
