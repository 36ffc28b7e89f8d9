// Package sample chooses tokens from a model's logits: penalties, temperature, filters, a
// seeded draw, and what the model thought of the alternatives.
//
// It doesn't know texts, grammars or requests. What a grammar allows comes as a mask; when
// a text ends is the caller's matter.
//
// # Order
//
// The steps are taken in the order of Hugging Face's transformers, each on what the one
// before has left:
//
//  1. mask: what isn't allowed has no probability
//  2. penalties: repeat, then frequency and presence
//  3. temperature
//  4. top k
//  5. top p, of what top k has left
//  6. min p, relative to the most likely token
//  7. a draw from what remains
//
// The repeat penalty looks at the prompt and the text, as in transformers; frequency and
// presence look at the text alone, as OpenAI defines them. Tokens with equal logits are
// ordered by ID, lower first, so that every filter keeps a definite set.
//
// # Reproducibility
//
// A Sampler draws one number per token from a generator that is its own. Equal logits,
// parameters and masks give equal tokens, on any number of threads.
//
// # Speed
//
// A vocabulary has 150,000 tokens and a step has many sequences, so nothing is sorted and
// little is computed per token in Go. Logits are looked at in blocks of 64, a mask's word:
//
//	logits  ........ ........ ........ ........
//	tops      3.1      9.7      0.2      8.8      the largest of each block
//
// All later passes look at the tops and open only the blocks that matter. At least k
// tokens reach the k-th largest top, so the k most likely are among those that do. What
// top k, top p and min p keep is always the front of one order, by logit and ID: a filter
// is a border in it, the strictest one counts, and sums over what is before a border are
// vectorised. Top p's border is never looked for. A token is drawn from what the other
// filters leave; if those before it have the probability that top p asks for, it is
// rejected, and the next one is drawn from those before it.
package sample
