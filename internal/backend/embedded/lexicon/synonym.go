package lexicon

import (
	"strings"
	"sync"

	"github.com/outcrop-ai/outcrop/internal/text"
)

// synonymGroups are words that a question and its answer may use for each other.
const synonymGroups = `
begin start commence launch
add append insert create remember
end finish conclude terminate stop
build construct erect
make create produce manufacture
big large huge
small little tiny
win victory defeat beat won
lose lost loss
die death died dead
kill murder slay
born birth
write author wrote written
found establish create formed founded
buy purchase acquire bought
cost price fee charge
pay salary wage
job work employment occupation
help assist aid
show display demonstrate
use utilize employ
call name term known named
live reside inhabit dwell
leave depart left
arrive reach came
get receive obtain
movie film
car vehicle automobile
country nation
city town
kid child children
doctor physician
teach taught instruct
think believe thought
say state said claim
tell told
lead led head
hold held
update edit modify
find search lookup
book reserve booking reservation
flight plane airline
hotel room accommodation
restaurant food dining eat
weather temperature forecast climate rain
music song track
photo picture image
cash money
stock share
sum add total plus
grow grew growth
fast quick speed
length long
height tall high
width wide
depth deep
age old
distance far
amount much quantity
number many
percentage percent
allow permit let
forbid ban prohibit
require need must
delete remove erase cancel drop
change modify alter
increase rise grow
decrease fall decline drop reduce
error fault failure fail
region area
near close
happen occur took place
type kind sort
choose select pick
give gave given provide
run ran operate
own possess
send sent
meet met
teach taught
speak spoke language
invent invention inventor
discover discovery found
design designer
compose composer
direct director
`

// Synonyms returns the stems that people use for a stem's word in questions and
// answers.
func Synonyms(stem string) []string { return synonymStems()[stem] }

var synonymStems = sync.OnceValue(func() map[string][]string {
	m := map[string][]string{}
	for line := range strings.Lines(synonymGroups) {
		words := strings.Fields(line)
		for i, a := range words {
			sa := text.Stem(a)
			for j, b := range words {
				if sb := text.Stem(b); i != j && sa != sb {
					m[sa] = append(m[sa], sb)
				}
			}
		}
	}
	return m
})
