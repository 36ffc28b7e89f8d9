package jinja

// flow says how a statement ended.
type flow uint8

const (
	flowNext flow = iota
	flowBreak
	flowContinue
)

// statement is a part of a template's body.
type statement interface {
	exec(m *machine, s *scope, out *builder) (flow, error)
}

// expression is what has a value.
type expression interface {
	eval(m *machine, s *scope) (Value, error)
}

// Statements.
type (
	dataStatement   struct{ text string }
	outputStatement struct {
		line int
		expr expression
	}
	ifStatement struct {
		branches  []branch
		otherwise []statement
	}
	branch struct {
		test expression
		body []statement
	}
	forStatement struct {
		line      int
		target    target
		over      expression
		filter    expression // may be nil
		recursive bool
		body      []statement
		otherwise []statement
	}
	setStatement struct {
		line   int
		target target
		value  expression
	}
	setBlockStatement struct {
		line    int
		target  target
		filters []*filterExpression // their inputs are nil
		body    []statement
	}
	macroStatement struct {
		line int
		name string
		sig  *signature
	}
	callStatement struct {
		line int
		call *callExpression
		sig  *signature
	}
	filterStatement struct {
		line    int
		filters []*filterExpression
		body    []statement
	}
	withStatement struct {
		line    int
		targets []target
		values  []expression
		body    []statement
	}
	// scopeStatement is a generation block: its text is its body's.
	scopeStatement struct{ body []statement }
	jumpStatement  struct {
		line int
		flow flow
	}
)

// signature is a macro's parameters and body.
type signature struct {
	params   []string
	defaults []expression // of the last ones
	body     []statement
	// What the body names, so what callers may hand in.
	varargs, kwargs, caller bool
}

// target is what can be assigned to: a name, names in a tuple, or a namespace's
// attribute.
type target struct {
	line  int
	name  string
	attr  string   // of the namespace called name
	tuple []target // then name is empty
}

// Expressions.
type (
	constExpression struct{ value Value }
	nameExpression  struct {
		line int
		name string
	}
	attrExpression struct {
		line int
		of   expression
		name string
	}
	itemExpression struct {
		line int
		of   expression
		item expression
	}
	sliceExpression struct {
		line             int
		of               expression
		start, end, step expression // nil: not given
	}
	callExpression struct {
		line int
		fn   expression
		args arguments
	}
	filterExpression struct {
		line  int
		input expression // nil: the text of a block
		name  string
		args  arguments
	}
	testExpression struct {
		line  int
		input expression
		name  string
		args  arguments
	}
	notExpression   struct{ of expression }
	unaryExpression struct {
		line int
		op   string
		of   expression
	}
	binaryExpression struct {
		line        int
		op          string
		left, right expression
	}
	// logicExpression is "and" or "or".
	logicExpression struct {
		and         bool
		left, right expression
	}
	concatExpression  struct{ parts []expression }
	compareExpression struct {
		line  int
		first expression
		rest  []comparison
	}
	comparison struct {
		op string
		to expression
	}
	condExpression struct {
		line                  int
		test, then, otherwise expression // otherwise may be nil
	}
	listExpression struct {
		items []expression
		tuple bool
	}
	dictExpression struct {
		line         int
		keys, values []expression
	}
)

// arguments are those of a call, as written.
type arguments struct {
	positional []expression
	named      []namedArgument
	star       expression // *args
	starStar   expression // **kwargs
}

type namedArgument struct {
	name  string
	value expression
}
