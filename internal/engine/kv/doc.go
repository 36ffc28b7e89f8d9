// Package kv keeps what a decoder remembers of the tokens it has read, keys and values, in
// pages, and finds the pages again when another request starts with the same tokens.
//
// It knows no model: a page is a number of bytes that stand for a number of tokens. It
// doesn't schedule: who gets a page when there is none is the caller's matter. It is used
// by one goroutine at a time.
//
// # Memory
//
// Pages are cut from slabs of 64 MiB, which are mapped when they are needed, within a
// budget, and given back when none of their pages is in use (Idle). They are outside the
// garbage collector's heap, which would otherwise let garbage grow to the cache's size.
//
// # Sequences
//
// A Sequence is the page table of one text:
//
//	tokens  |  0 … 63  |  64 … 127  |  128 … 191  |  192 … 201  |
//	pages   |  node a  |  node b    |  node c     |  own page   |
//	            shared with whoever starts alike     its alone
//
// Match takes the pages that are known for the beginning of a text, Grow adds pages of its
// own, and Commit, told that tokens have been computed, turns pages that are complete into
// nodes that others may find. A complete page is never written to again, so nothing is
// ever copied.
//
// # Prefixes
//
// Nodes form a tree for each owner. A node's place says what all tokens before its page
// are; its children are found by a hash of their tokens, and the tokens themselves are
// compared. Owners have trees of their own: what one has asked before makes nothing faster
// for another, who could guess prompts by it.
//
// A node is kept while a sequence refers to it, and after that for a while:
//
//	referenced ── last sequence released ──▶ ordinary ── least recently used, or its time
//	     ▲                        │                │     is up ──▶ gone
//	     └─────── matched ────────┴──▶ marked ─────┘ its time is up
//
// Marks are the caller's cache points: marked nodes are dropped only when no ordinary one
// is left. Whoever uses a node uses all before it, so in either list a node comes before
// its parent, and what is dropped is always a leaf.
//
// # Invariants
//
// Check tests them all: every page of a slab is free, owned by one sequence, or held by
// one node; a node's references are those of its sequences, and its parent has as many or
// more; lists hold exactly the nodes without references, children first.
package kv
