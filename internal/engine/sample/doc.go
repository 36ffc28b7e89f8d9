// Package sample chooses tokens from a model's logits.
package sample
