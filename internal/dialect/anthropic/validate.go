package anthropic

import (
	"strings"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// validate checks what llm.Validate checks, too, and says it in Anthropic's words:
// clients of this dialect match on them. A conversation may begin with the assistant
// and tools may be missing, as the API has it.
func validate(req *llm.ChatRequest) error {
	if err := validateTurns(req.Messages); err != nil {
		return err
	}
	names := map[string]bool{}
	for i, t := range req.Tools {
		if !toolName(t.Name) {
			return path("tools").index(i).key("custom.name").errorf("String should match pattern '^[a-zA-Z0-9_-]{1,128}$'")
		}
		if names[t.Name] {
			return path("tools").errorf("Tool names must be unique.")
		}
		names[t.Name] = true
	}
	if n := len(req.Messages); n > 0 && req.Messages[n-1].Role == llm.Assistant {
		content := req.Messages[n-1].Content
		if len(content) > 0 {
			last, ok := content[len(content)-1].(*llm.Text)
			if ok && last.Text != strings.TrimRight(last.Text, " \t\r\n") {
				return path("messages").errorf("final assistant content cannot end with trailing whitespace")
			}
		}
	}
	if b := req.Inference.ReasoningBudget; b != nil && req.Inference.MaxTokens > 0 && *b >= req.Inference.MaxTokens {
		return fault.Errorf(fault.Invalid, "`max_tokens` must be greater than `thinking.budget_tokens`.")
	}
	return nil
}

func toolName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return name != "" && len(name) <= 128
}

func validateTurns(messages []llm.Message) error {
	pending := map[string]bool{} // calls of the turn before; true once they have a result
	var order []string           // of pending
	for i, m := range messages {
		if m.Role == llm.System {
			continue
		}
		at := path("messages").index(i)
		calls, err := validateTurn(at, m, pending)
		if err != nil {
			return err
		}
		if missing := unanswered(order, pending); len(missing) > 0 {
			return noResult(i-1, missing)
		}
		clear(pending)
		for _, id := range calls {
			pending[id] = false
		}
		order = calls
	}
	if len(order) > 0 {
		return noResult(len(messages)-1, order)
	}
	return nil
}

func noResult(turn int, ids []string) error {
	return path("messages").index(turn).errorf("`tool_use` ids were found without `tool_result` blocks immediately after: %s. "+
		"Each `tool_use` block must have a corresponding `tool_result` block in the next message.", strings.Join(ids, ", "))
}

// validateTurn ticks off the calls that have their result in m, and returns m's own.
func validateTurn(at path, m llm.Message, pending map[string]bool) (calls []string, err error) {
	own := map[string]bool{}
	for j, b := range m.Content {
		switch b := b.(type) {
		case *llm.Text:
			if strings.TrimSpace(b.Text) == "" {
				return nil, path("messages").errorf("text content blocks must contain non-whitespace text")
			}
		case *llm.ToolUse:
			if b.Server {
				continue
			}
			if own[b.ID] {
				return nil, path("messages").errorf("`tool_use` ids must be unique")
			}
			own[b.ID] = true
			calls = append(calls, b.ID)
		case *llm.ToolResult:
			if b.Type != "" {
				continue
			}
			answered, known := pending[b.ToolUseID]
			switch {
			case !known:
				return nil, at.key("content").index(j).errorf("unexpected `tool_use_id` found in `tool_result` blocks: %s. "+
					"Each `tool_result` block must have a corresponding `tool_use` block in the previous message.", b.ToolUseID)
			case answered:
				return nil, at.key("content").index(j).errorf("each tool_use must have a single result. "+
					"Found multiple `tool_result` blocks with id: %s", b.ToolUseID)
			}
			pending[b.ToolUseID] = true
		}
	}
	return calls, nil
}

func unanswered(order []string, pending map[string]bool) []string {
	var out []string
	for _, id := range order {
		if !pending[id] {
			out = append(out, id)
		}
	}
	return out
}
