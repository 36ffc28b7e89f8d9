package mention

import "strings"

// dimensions lists units by what they measure.
var dimensions = map[string][]string{
	"time":        {"second", "seconds", "sec", "secs", "s", "ms", "millisecond", "milliseconds", "minute", "minutes", "min", "mins", "hour", "hours", "hr", "hrs", "h", "day", "days", "night", "nights", "week", "weeks", "month", "months", "quarter", "quarters", "year", "years", "yr", "yrs", "yo", "decade", "decades", "century"},
	"length":      {"meter", "meters", "metre", "metres", "m", "cm", "centimeter", "centimeters", "mm", "millimeter", "millimeters", "km", "kms", "kilometer", "kilometers", "kilometre", "kilometres", "mile", "miles", "mi", "foot", "feet", "ft", "inch", "inches", "in", "yard", "yards", "yd", "nm", "lightyear", "ly"},
	"area":        {"m²", "m2", "sqft", "acre", "acres", "hectare", "hectares", "km²", "cm²", "ft²", "m^2"},
	"volume":      {"liter", "liters", "litre", "litres", "l", "ml", "gallon", "gallons", "cup", "cups", "m³", "m^3", "cm³", "tablespoon", "tablespoons", "teaspoon", "teaspoons", "ounce", "ounces"},
	"mass":        {"kg", "kgs", "kilogram", "kilograms", "kilo", "kilos", "g", "gram", "grams", "mg", "lb", "lbs", "pound", "pounds", "oz", "ton", "tons", "tonne", "tonnes"},
	"temperature": {"celsius", "fahrenheit", "kelvin", "°c", "°f", "°", "degree", "degrees", "oc"},
	"speed":       {"m/s", "km/h", "kmh", "kph", "mph", "knots", "ft/s", "m/sec"},
	"rate":        {"m/s^2", "m/s²", "m/s2", "ft/s^2"},
	"energy":      {"joule", "joules", "kj", "cal", "calories", "calorie", "kcal", "kwh", "wh", "ev"},
	"power":       {"watt", "watts", "w", "kw", "mw", "hp"},
	"electric":    {"volt", "volts", "v", "amp", "amps", "ampere", "amperes", "ohm", "ohms", "tesla", "coulomb", "coulombs", "farad", "hertz", "hz", "khz", "mhz", "ghz"},
	"pressure":    {"pascal", "pascals", "pa", "kpa", "atm", "bar", "psi", "mmhg"},
	"force":       {"newton", "newtons"},
	"money":       {"dollar", "dollars", "usd", "eur", "euro", "euros", "pounds", "gbp", "yen", "cents", "rupees"},
	"percent":     {"percent", "%"},
	"angle":       {"degree", "degrees", "radian", "radians", "rad"},
	"data":        {"byte", "bytes", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "bits", "gigabytes", "megabytes"},
	"people":      {"people", "persons", "person", "guests", "passengers", "passenger", "adults", "adult", "children", "child", "kids", "players", "users", "students"},
}

var unitDimension = func() map[string]string {
	m := map[string]string{}
	for d, units := range dimensions {
		for _, u := range units {
			if old, ok := m[u]; !ok || d < old {
				m[u] = d
			}
		}
	}
	return m
}()

// Dimension returns what a unit measures: "time", "length", "mass", "money" …
func Dimension(unit string) (string, bool) {
	d, ok := unitDimension[unit]
	if !ok && strings.Contains(unit, "/") {
		over, per, _ := strings.Cut(unit, "/")
		switch {
		case unitDimension[over] == "length" && (strings.HasSuffix(per, "^2") || strings.HasSuffix(per, "²")):
			return "rate", true
		case unitDimension[over] == "length" && unitDimension[per] == "time":
			return "speed", true
		}
	}
	return d, ok
}
