// Package kv keeps keys and values of sequences in pages.
package kv
