package fill

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/schema"
)

// find fills the arguments of a schema and writes the sets one a line.
func find(members, required, s string) string {
	n := schema.Parse(json.RawMessage(`{"type":"object","properties":{` + members + `},"required":[` + required + `]}`))
	var lines []string
	for _, v := range Arguments("do_thing Does a thing", n, Source{Text: s}) {
		line := string(v.Args)
		for _, m := range v.Missing {
			line += " -" + m.Name
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestArguments(t *testing.T) {
	t.Parallel()
	const (
		str = `{"type":"string"}`
		num = `{"type":"number"}`
		whl = `{"type":"integer"}`
	)
	f := func(members, required, s, want string) {
		t.Helper()
		if got := find(members, required, s); got != want {
			t.Errorf("%s\n got: %s\nwant: %s", s, got, want)
		}
	}
	// Numbers go by their units, the words before them, and their order.
	f(`"weight":`+num+`,"height":`+num, `"weight","height"`, "a person of 1.8 m who weighs 75 kg", `{"weight":75,"height":1.8}`)
	f(`"base":`+num+`,"height":`+num, `"base","height"`, "a triangle with base and height of 6 cm and 10 cm", `{"base":6,"height":10}`)
	f(`"x":`+whl+`,"y":`+whl, `"x","y"`, "the point 4 and 5", `{"x":4,"y":5}`)
	f(`"a":`+whl+`,"b":`+whl, `"a","b"`, "b=-3 and a = 7", `{"a":7,"b":-3}`)
	f(`"rate":`+num, `"rate"`, "at a rate of 5%", `{"rate":0.05}`)
	f(`"rate":{"type":"number","description":"in percent"}`, `"rate"`, "at a rate of 5%", `{"rate":5}`)
	f(`"sides":{"type":"array","items":`+whl+`}`, `"sides"`, "three sides: 3, 4 and 5", `{"sides":[3,4,5]}`)
	// Ends of a range or journey.
	f(`"origin":`+str+`,"destination":`+str, `"origin","destination"`, "a train to Rome from Pisa", `{"origin":"Pisa","destination":"Rome"}`)
	f(`"min_price":`+num+`,"max_price":`+num, `"min_price","max_price"`, "between $10 and $20", `{"min_price":10,"max_price":20}`)
	f(`"team1":`+str+`,"team2":`+str, `"team1","team2"`, "the match between Ajax and Porto", `{"team1":"Ajax","team2":"Porto"}`)
	// Choices, switches, dates, nested members, examples, defaults.
	f(`"mode":{"enum":["fast","slow"]}`, ``, "take the slow one", `{"mode":"slow"}`)
	f(`"verbose":{"type":"boolean"}`, ``, "without verbose output", `{"verbose":false}`)
	f(`"day":{"type":"string","format":"date"}`, `"day"`, "on 4 July 2026", `{"day":"2026-07-04"}`)
	f(`"day":{"type":"string","description":"date as MM/DD/YYYY"}`, `"day"`, "on 4 July 2026", `{"day":"07/04/2026"}`)
	f(`"who":{"type":"object","properties":{"age":`+whl+`},"required":["age"]}`, `"who"`, "aged 30", `{"who":{"age":30}}`)
	f(`"diet":{"type":"string","description":"e.g. vegan, keto"}`, ``, "a vegan dinner", `{"diet":"vegan"}`)
	f(`"unit":{"type":"string","default":"km"}`, `"unit"`, "how far", `{"unit":"km"}`)
	// Several calls.
	f(`"city":`+str, `"city"`, "in Oslo and in Bergen", `{"city":"Oslo"}`+"\n"+`{"city":"Bergen"}`)
	f(`"name":`+str+`,"age":`+whl, `"name","age"`, "Ann is 30 years old, and Bob is 40 years old", `{"name":"Ann","age":30}`+"\n"+`{"name":"Bob","age":40}`)
	f(`"x":`+whl+`,"y":`+whl, `"x","y"`, "(45, 60) and (81, 63)", `{"x":45,"y":60}`+"\n"+`{"x":81,"y":63}`)
	// Nothing is made up.
	f(`"user_id":`+str+`,"phone":`+str, `"user_id"`, "look it up", `{} -user_id`)
	f(`"amount":`+num, `"amount"`, "send some money", `{} -amount`)
}

func TestEarlier(t *testing.T) {
	t.Parallel()
	n := schema.Parse(json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"}},"required":["city","days"]}`))
	got := Arguments("forecast", n, Source{Text: "for 3 days", Earlier: []string{"I am in Turin."}})
	if want := `{"city":"Turin","days":3}`; string(got[0].Args) != want || len(got[0].Missing) > 0 {
		t.Errorf("got %s, missing %v, want %s", got[0].Args, got[0].Missing, want)
	}
}
