// Package grammar restricts generation to texts that satisfy a rule: a JSON Schema,
// any JSON object, a tool call in a model's own way of writing it, free text up to a
// marker, and sequences, choices and repetitions of these. For each token of a text
// it answers which tokens of the vocabulary may come next, as a bit mask that the
// sampler applies. It doesn't sample, knows no model, and parses no finished answer.
//
// # Use
//
//	c := grammar.NewCompiler(vocabulary)                 // once per model
//	g, err := c.Compile(grammar.Schema(schema))          // once per request; known rules are found again
//	s := g.Start()
//	err = s.Mask(bits); id := sample(logits, bits); err = s.Accept(id) // until s.Done()
//
// What a State let through is always the beginning of a text that satisfies the rule:
// there are no dead ends. State.Complete says whether it is already the whole of one;
// end tokens are allowed exactly then. A text that is cut by a budget of tokens is
// therefore known to be cut, and State.Shortest tells a caller how to end it in time.
//
// # JSON
//
// Between the elements of arrays and objects white space may stand as models and
// programs write it: nothing, one space, or a line feed and up to 32 spaces or 8 tabs;
// behind a colon nothing or one space; elsewhere none, in particular not before a
// comma and not around the value. So {"a": 1}, {"a":1} and indented JSON are all
// possible, and nothing can go on with white space for ever.
//
// Strings are valid UTF-8 and may use every escape; surrogates come in pairs. Numbers
// are such that a double holds them: at most 20 digits on either side of the point and
// exponents up to 269. Integers are written without point and exponent and fit into
// 64 bits unless bounds ask for more. Objects and arrays go at most about 95 levels
// deep: at the limit a text can only be closed.
//
// # JSON Schema
//
// Draft 2020-12 is meant, and the older spellings of its keywords are understood. All
// that is generated is valid against the schema; not all that is valid is generated:
//
//   - Properties come in the order of the schema: those of properties, of a schema before
//     those of what it refers to, then names that only required has, then others.
//   - An object that names properties has no others unless additionalProperties says so,
//     as if it were false. This is what Bedrock and OpenAI demand of strict schemas to
//     say. An object of which nothing is said has any members. Likewise an array with
//     prefixItems and without items ends behind the prefix, unless minItems is higher.
//   - A schema without type but with keywords about some types yields only those types.
//   - Property names, const and enum have one spelling each: escapes only where needed.
//     A number in them is written as the schema has it. Bounded numbers have no exponent.
//   - A property name that fits several patternProperties does not appear, and formats
//     yield what people write: no leap seconds, no quoted e-mail addresses.
//
// Understood are type, enum, const, properties, required, additionalProperties,
// patternProperties, propertyNames, minProperties and maxProperties (a minimum of more
// than one only where all names are listed), items, prefixItems, additionalItems,
// minItems, maxItems, minLength, maxLength, pattern, format (date-time, date, time,
// duration, email, hostname, ipv4, ipv6, uuid, uri, uri-reference, json-pointer),
// minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, allOf, anyOf, $ref
// within the schema with $defs, definitions, $anchor and $id, recursion, boolean
// schemas, and OpenAPI's nullable. unevaluatedProperties and unevaluatedItems may be
// booleans in a schema that has all that holds for the value within itself and
// unconditionally. oneOf is accepted where no value that is generated for one
// alternative can be valid against another: they differ in type, in a constant, in a
// range, in properties that one needs and the other lacks. The same goes for not: it
// must be certain to fail. Of if, dependentRequired and dependentSchemas both cases are
// generated; an if that is about members is negated by them, any other must be certain
// to fail in the else case. uniqueItems is enforced where the items' values are listed,
// in the order of the list.
//
// uniqueItems of other items, contains, $dynamicRef, references to other documents,
// other standard formats, and in patterns look-around, back references and word
// boundaries are answered with an *UnsupportedError that names the keyword and its
// place. A schema that is malformed, or that nothing satisfies, is an *InvalidError.
// Names that JSON Schema does not know are annotations and ignored, as are formats that
// are not standard, title, description, default, examples and their like.
//
// # How it works
//
// A rule is compiled to a pushdown automaton over bytes. Its parts (rule) are graphs,
// whose edges read a byte, read a control token or call another rule, and lexers:
// automata without calls for strings, numbers, words and free text. A lexer of strings
// joins an automaton over code points (package automaton) with decoders of UTF-8 and
// of escapes and with a count of characters; graphs count items. Counters are not
// unrolled, so maxItems may be a thousand million.
//
// A State is a set of positions: a rule's state and a stack of callers. Stacks are
// shared: calls of one rule at the same byte are one frame with several callers. So a
// set never grows with the number of ways a text can be read, which a schema can make
// exponential, but only with the size of the grammar. Frames are immutable once their
// byte is read; a clone of a State costs a copy of five words.
//
// Whether a token may be read at a position depends mostly on the position's rule
// alone. The mask of each state of a rule is worked out once, when first met, by a
// walk over the tree of all tokens, and kept: bits or, for few tokens, a list. Tokens
// that go beyond the rule's end are the exception: what is left of them is kept as a
// tree of its own and walked from what the callers go on with, a few nodes as a rule.
// Within a string nearly all tokens are plain characters, which are known to be allowed
// by their length, and only the others are walked. Rules of any JSON belong to the
// compiler, so their masks serve all grammars. Counters far from their bounds share
// masks: no token is long enough to tell them apart.
//
// # Bounds
//
// A schema has at most 2 MiB and 250 levels; the choices of one value multiply out
// to at most 1,024 alternatives; a grammar has at most 400,000 nodes, 2 million edges,
// 20,000 rules; an object 4,096 named properties; the shortest text is at most 1 MiB.
// Automata of patterns are bounded in states and in work. What goes beyond is a
// *LimitError, within fractions of a second. Masks take at most 96 MiB per compiler,
// after which they are forgotten and made anew; 64 compiled rules are kept.
package grammar
