package smithy

// Pattern is a constraint on a string's whole value. Expr is the model's own
// expression; it compiles when it is first used.
type Pattern struct {
	Expr string
}
