// Package grammar restricts generation to texts that satisfy a rule.
package grammar
