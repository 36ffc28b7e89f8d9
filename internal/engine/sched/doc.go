// Package sched runs many requests on one model at the same time: continuous batching over
// pages of cached keys and values.
//
// It knows tokens, not texts. It computes nothing itself: package arch has the model,
// package kv the pages, package sample the choice of a token; a constraint is an interface.
//
// # A step
//
// One goroutine drives the model, step by step. Each step is one pass, and reads something
// for every sequence that has a slot:
//
//	receive, sweep   take new requests; end those that were given up
//	admit            give free slots and pages to those that wait
//	plan             one token for each sequence that has begun to write,
//	                 and some prompt tokens of those that have not
//	pass             the model; constraints compute their masks meanwhile
//	choose           a token for each sequence whose prompt is read, on all threads
//	settle           tokens go to the consumers; sequences that are done leave
//
// A sequence is nothing but its tokens and a number: how many of them the pages hold. It
// has read its prompt when one token is left to read, whose logits choose the next. So a
// sequence can lose its pages at any time and go on later: it reads its own text again, or
// finds it in the cache.
//
// # Who reads how much
//
// Sequences that write get their token in every step. So none of them waits for more than
// one chunk of somebody's prompt. How long that may be is measured: a step should take no
// longer than StepTime, twice that while nobody writes, and never reads more than
// BatchTokens or fewer than 32 prompt tokens.
//
// Half of the chunk goes to the prompt whose turn it is, the oldest of the owner that was
// served least, so that no prompt starves. The other half goes to the shortest. A short
// prompt, of no more than half a chunk, is read in the step after it gets a slot, however
// long the others are, if no shorter ones come at the same time.
//
// A prompt that starts as another one does that is just being read waits for that one's
// pages instead of computing the same.
//
// # Who gets a slot
//
// Requests of one owner are served in their order. Between owners, the one with fewer
// running requests is next; with equal numbers, the one that was served less, measured in
// work: a prompt token counts 1, a token written 4. Who has been idle doesn't get that time
// back. An owner without a slot takes one from the owner that has at least two more than
// itself; owners with one slot each keep it until they are done.
//
// Reserved slots are for requests with Reserved, which may use the others too. These come
// first, in the queue as with pages.
//
// # Who gets pages
//
// A request is admitted when there are pages for its whole prompt, for those that run to
// finish theirs, and one more for each; until then those behind it wait too. If pages run out after that, because texts grow,
// the youngest sequence gives up its slot and waits again at the place that it had. The
// oldest is never preempted for pages, and one sequence alone always fits (Start refuses
// what doesn't), so that there is always one that gets done.
//
// # Consumers
//
// A run has a buffer for Config.Buffer tokens. When it's full the sequence pauses. It keeps
// slot and pages only as long as nobody else wants them, and gets others when the consumer
// has read half of its buffer. One who doesn't read for StallLimit is given up.
//
// # Failures
//
// A pass that fails or panics is repeated for each of its sequences alone; the ones whose
// pass fails again fail with that error, and so do sequences whose logits are no numbers or
// whose constraint fails. All others go on and notice nothing but the time.
//
// # The same text
//
// What a request leads to depends on its prompt, parameters and seed alone: not on what
// else runs, how prompts are cut into chunks, what is found in the cache, or on
// preemptions. This rests on the model's promise that a token's keys, values and logits
// are the same bits whatever shares the pass.
package sched
