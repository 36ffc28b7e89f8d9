// Package pattern cuts text by the regular expressions of pre-tokenizers.
//
// A tokenizer.json says how a text is cut into words with a regular expression for
// Oniguruma, with look-ahead, possessive quantifiers and Unicode's categories, which
// package regexp does not have. Compile reads the part of that language that the
// published tokenizers use and matches as Oniguruma does: the leftmost match, of the
// first alternative that fits, by backtracking. What it does not know is an error
// that names it.
//
// The expressions of the best-known families (GPT-2, Llama 3 and Qwen, GPT-4o and
// Tekken) have scanners written by hand, which are some times faster; tests hold them
// and the general matcher to the same answers.
//
// An expression comes from a file and may be hostile. Groups cannot be repeated, so a
// match takes at most polynomial time, and the steps for one text are bounded: past
// them the rest of the text is cut into single characters. No published expression
// comes near the bound.
//
// Text need not be valid UTF-8: a byte that is not part of a character is a symbol.
package pattern
