package jinja

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

func strftimeGlobal(m *machine, a *callArgs) (Value, error) {
	args, err := a.bind("format")
	if err != nil {
		return nil, err
	}
	format, err := textArg(args[0])
	if err != nil {
		return nil, err
	}
	const longest = 1024
	if len(format.s) > longest {
		return nil, errors.New("the format is too long")
	}
	return format.with(strftime(m.now(), format.s)), nil
}

// strftime formats a time as C does in the locale "C". What it does not know stays.
func strftime(t time.Time, format string) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		pad := byte(0)
		if (format[i] == '-' || format[i] == '_' || format[i] == '0') && i+1 < len(format) {
			pad = format[i]
			i++
		}
		s := directive(t, format[i])
		switch pad {
		case '-':
			if short := strings.TrimLeft(s, "0 "); short != "" || s == "" {
				s = short
			} else {
				s = "0"
			}
		case '_':
			if short := strings.TrimLeft(s[:max(len(s)-1, 0)], "0"); len(s) > 0 {
				s = strings.Repeat(" ", len(s)-1-len(short)) + short + s[len(s)-1:]
			}
		}
		b.WriteString(s)
	}
	return b.String()
}

func directive(t time.Time, c byte) string {
	layouts := map[byte]string{
		'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January", 'd': "02", 'D': "01/02/06", 'e': "_2",
		'F': "2006-01-02", 'H': "15", 'I': "03", 'm': "01", 'M': "04", 'p': "PM", 'r': "03:04:05 PM", 'R': "15:04",
		'S': "05", 'T': "15:04:05", 'x': "01/02/06", 'X': "15:04:05", 'y': "06", 'Y': "2006", 'z': "-0700", 'Z': "MST",
		'c': "Mon Jan _2 15:04:05 2006",
	}
	if layout, ok := layouts[c]; ok {
		return t.Format(layout)
	}
	switch c {
	case 'C':
		return fmt.Sprintf("%02d", t.Year()/100)
	case 'f':
		return fmt.Sprintf("%06d", t.Nanosecond()/1000)
	case 'G', 'V':
		year, week := t.ISOWeek()
		if c == 'G' {
			return strconv.Itoa(year)
		}
		return fmt.Sprintf("%02d", week)
	case 'j':
		return fmt.Sprintf("%03d", t.YearDay())
	case 's':
		return strconv.FormatInt(t.Unix(), 10)
	case 'u':
		return strconv.Itoa((int(t.Weekday())+6)%7 + 1)
	case 'w':
		return strconv.Itoa(int(t.Weekday()))
	case 'U':
		return fmt.Sprintf("%02d", (t.YearDay()+6-int(t.Weekday()))/7)
	case 'W':
		return fmt.Sprintf("%02d", (t.YearDay()+6-(int(t.Weekday())+6)%7)/7)
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case '%':
		return "%"
	}
	return "%" + string(c)
}
