package automaton

// Expressions of the formats. Each accepts only texts that are of the format, and
// of those the ones that people write: a domain in brackets or a leap second are
// left out on purpose.
const (
	days31 = `(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])`
	days30 = `(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)`
	days28 = `02-(?:0[1-9]|1[0-9]|2[0-8])`
	leap   = `(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29`
	date   = `(?:[0-9]{4}-(?:` + days31 + `|` + days30 + `|` + days28 + `)|` + leap + `)`
	clock  = `(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])`

	label = `[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?`
	host  = label + `(?:\.` + label + `)*`
	atom  = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"

	octet = `(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])`
	ipv4  = octet + `(?:\.` + octet + `){3}`
	h16   = `[0-9A-Fa-f]{1,4}`
	ls32  = `(?:` + h16 + `:` + h16 + `|` + ipv4 + `)`
	ipv6  = `(?:(?:` + h16 + `:){6}` + ls32 +
		`|::(?:` + h16 + `:){5}` + ls32 +
		`|(?:` + h16 + `)?::(?:` + h16 + `:){4}` + ls32 +
		`|(?:(?:` + h16 + `:){0,1}` + h16 + `)?::(?:` + h16 + `:){3}` + ls32 +
		`|(?:(?:` + h16 + `:){0,2}` + h16 + `)?::(?:` + h16 + `:){2}` + ls32 +
		`|(?:(?:` + h16 + `:){0,3}` + h16 + `)?::` + h16 + `:` + ls32 +
		`|(?:(?:` + h16 + `:){0,4}` + h16 + `)?::` + ls32 +
		`|(?:(?:` + h16 + `:){0,5}` + h16 + `)?::` + h16 +
		`|(?:(?:` + h16 + `:){0,6}` + h16 + `)?::)`

	pchar     = `(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})`
	scheme    = `[A-Za-z][A-Za-z0-9+.-]*`
	tail      = `(?:\?(?:` + pchar + `|[/?])*)?(?:#(?:` + pchar + `|[/?])*)?`
	authority = host + `(?::[0-9]{1,5})?`
	uri       = scheme + `:(?://` + authority + `(?:/` + pchar + `*)*|` + pchar + `+(?:/` + pchar + `*)*)` + tail
	reference = `(?:` + uri + `|(?:/` + pchar + `+)?(?:/` + pchar + `*)*` + tail + `)`

	duration = `P(?:[0-9]{1,9}W|(?:[0-9]{1,9}Y(?:[0-9]{1,9}M)?(?:[0-9]{1,9}D)?|[0-9]{1,9}M(?:[0-9]{1,9}D)?|[0-9]{1,9}D)` +
		`(?:` + durationTime + `)?|` + durationTime + `)`
	durationTime = `T(?:[0-9]{1,9}H(?:[0-9]{1,9}M(?:[0-9]{1,9}S)?)?|[0-9]{1,9}M(?:[0-9]{1,9}S)?|[0-9]{1,9}S)`

	pointer = `(?:/(?:[^~/]|~[01])*)*`
)

// Format returns the automaton of a format; nil where the format is not known. It
// leaves out FormatMost.
func Format(name string) (*DFA, error) {
	expr, _ := formatExpr(name)
	if expr == "" {
		return nil, nil //nolint:nilnil // an unknown name is no error
	}
	d, err := Pattern("^(?:" + expr + ")$")
	if err != nil || name != "email" {
		return d, err
	}
	local, err := Pattern("^[^@]{1,64}@") // what is before the @ has a limit of its own
	if err != nil {
		return nil, err
	}
	return Intersect(d, local)
}

// FormatMost is the most code points that a string of a format has; -1: no limit.
func FormatMost(name string) int {
	_, most := formatExpr(name)
	return most
}

func formatExpr(name string) (expr string, most int) {
	switch name {
	case "date":
		return date, -1
	case "time":
		return clock, -1
	case "date-time":
		return date + "T" + clock, -1
	case "duration":
		return duration, -1
	case "email":
		return atom + `(?:\.` + atom + `)*@` + host, 254
	case "hostname":
		return host, 253
	case "ipv4":
		return ipv4, -1
	case "ipv6":
		return ipv6, -1
	case "uuid":
		return `[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}`, -1
	case "uri":
		return uri, 2048
	case "uri-reference":
		return reference, 2048
	case "json-pointer":
		return pointer, -1
	}
	return "", -1
}
