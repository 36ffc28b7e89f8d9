package scalar

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/smithy"
)

const (
	dateTime = "2006-01-02T15:04:05Z"
	httpDate = "Mon, 02 Jan 2006 15:04:05 GMT"
	// maxEpoch is the end of the year 9999, the last moment the other formats can
	// write.
	maxEpoch = 253402300799
	minEpoch = -62135596800 // the start of year 1
)

// Format returns the first format that is not left open: the member's, the
// shape's, or the location's default.
func Format(m *smithy.Member, s *smithy.Schema, def smithy.TimestampFormat) smithy.TimestampFormat {
	switch {
	case m != nil && m.Timestamp != smithy.DefaultTimestamp:
		return m.Timestamp
	case s != nil && s.Timestamp != smithy.DefaultTimestamp:
		return s.Timestamp
	}
	return def
}

// ParseTime reads a timestamp in UTC. A date-time has no offset but Z.
func ParseTime(text string, f smithy.TimestampFormat) (time.Time, error) {
	switch f {
	case smithy.DateTime:
		// time.Parse is lenient with hours of one digit and commas.
		if len(text) < len(dateTime) || text[10] != 'T' || text[13] != ':' || text[16] != ':' || strings.Contains(text, ",") {
			return time.Time{}, ErrSyntax
		}
		return parse(dateTime, text)
	case smithy.HTTPDate:
		return parse(httpDate, text)
	case smithy.EpochSeconds, smithy.DefaultTimestamp:
	}
	return parseEpoch(text)
}

func parse(layout, text string) (time.Time, error) {
	t, err := time.Parse(layout, text)
	if err != nil {
		return time.Time{}, ErrSyntax
	}
	return t.UTC(), nil
}

// parseEpoch reads seconds, to the nanosecond where they are written plainly.
func parseEpoch(text string) (time.Time, error) {
	if !Number(text) {
		return time.Time{}, ErrSyntax
	}
	if strings.ContainsAny(text, "eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || f < minEpoch || f > maxEpoch {
			return time.Time{}, ErrRange
		}
		sec, frac := math.Modf(f)
		return time.Unix(int64(sec), int64(math.Round(frac*1e6))*1e3).UTC(), nil
	}
	whole, frac, _ := strings.Cut(text, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || sec < minEpoch || sec > maxEpoch {
		return time.Time{}, ErrRange
	}
	nsec := int64(0)
	for i := range 9 {
		nsec *= 10
		if i < len(frac) {
			nsec += int64(frac[i] - '0')
		}
	}
	if text[0] == '-' {
		nsec = -nsec
	}
	return time.Unix(sec, nsec).UTC(), nil
}

// AppendTime appends t, to the millisecond, without quotes.
func AppendTime(b []byte, t time.Time, f smithy.TimestampFormat) []byte {
	switch f {
	case smithy.DateTime:
		return t.UTC().AppendFormat(b, "2006-01-02T15:04:05.999Z")
	case smithy.HTTPDate:
		return t.UTC().AppendFormat(b, httpDate)
	case smithy.EpochSeconds, smithy.DefaultTimestamp:
	}
	ms := t.UnixMilli()
	if ms < 0 {
		b = append(b, '-')
		ms = -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	frac := ms % 1000
	if frac == 0 {
		return b
	}
	b = append(b, '.', byte('0'+frac/100))
	if frac %= 100; frac != 0 {
		b = append(b, byte('0'+frac/10))
		if frac %= 10; frac != 0 {
			b = append(b, byte('0'+frac))
		}
	}
	return b
}
