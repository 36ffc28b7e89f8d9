// Package gosdk drives a running Outcrop with the AWS SDK for Go. run.sh sets the
// environment; without AWS_ENDPOINT_URL the tests skip.
package gosdk

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/document"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

const (
	claude = "anthropic.claude-3-5-sonnet-20241022-v2:0"
	notes  = "The Atlas cluster was moved to Frankfurt in March 2021. The owner of the cluster is the storage team."
	ask    = "Who is the owner of the cluster?"
)

func load(t *testing.T) aws.Config {
	t.Helper()
	if os.Getenv("AWS_ENDPOINT_URL") == "" {
		t.Skip("AWS_ENDPOINT_URL is not set: conformance/run.sh starts a server and sets it")
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func user(text string) types.Message {
	return types.Message{Role: types.ConversationRoleUser, Content: []types.ContentBlock{&types.ContentBlockMemberText{Value: text}}}
}

func textOf(m types.Message) string {
	var b strings.Builder
	for _, c := range m.Content {
		if t, ok := c.(*types.ContentBlockMemberText); ok {
			b.WriteString(t.Value)
		}
	}
	return b.String()
}

func system() []types.SystemContentBlock {
	return []types.SystemContentBlock{&types.SystemContentBlockMemberText{Value: notes}}
}

func answer(t *testing.T, out *bedrockruntime.ConverseOutput) types.Message {
	t.Helper()
	m, ok := out.Output.(*types.ConverseOutputMemberMessage)
	if !ok {
		t.Fatalf("output is %T", out.Output)
	}
	return m.Value
}

func TestConverse(t *testing.T) {
	client := bedrockruntime.NewFromConfig(load(t))
	out, err := client.Converse(t.Context(), &bedrockruntime.ConverseInput{ModelId: aws.String(claude), System: system(), Messages: []types.Message{user(ask)}})
	if err != nil {
		t.Fatal(err)
	}
	if got := textOf(answer(t, out)); !strings.Contains(got, "storage team") {
		t.Errorf("answer = %q", got)
	}
}

// TestStreams starts many streams at once: clients have lost streams whose first
// event came together with the headers too soon.
func TestStreams(t *testing.T) {
	client := bedrockruntime.NewFromConfig(load(t))
	one := func(ctx context.Context) error {
		out, err := client.ConverseStream(ctx, &bedrockruntime.ConverseStreamInput{ModelId: aws.String(claude), System: system(), Messages: []types.Message{user(ask)}})
		if err != nil {
			return err
		}
		stream := out.GetStream()
		defer stream.Close()
		var text strings.Builder
		complete := false
		for e := range stream.Events() {
			switch e := e.(type) {
			case *types.ConverseStreamOutputMemberContentBlockDelta:
				if d, ok := e.Value.Delta.(*types.ContentBlockDeltaMemberText); ok {
					text.WriteString(d.Value)
				}
			case *types.ConverseStreamOutputMemberMetadata:
				complete = true
			}
		}
		if err := stream.Err(); err != nil {
			return err
		}
		if !complete || !strings.Contains(text.String(), "storage team") {
			return errors.New("stream is not whole: " + text.String())
		}
		return nil
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if err := one(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestToolLoop(t *testing.T) {
	client := bedrockruntime.NewFromConfig(load(t))
	tools := &types.ToolConfiguration{Tools: []types.Tool{&types.ToolMemberToolSpec{Value: types.ToolSpecification{
		Name: aws.String("get_weather"), Description: aws.String("Current weather for a city"),
		InputSchema: &types.ToolInputSchemaMemberJson{Value: document.NewLazyDocument(map[string]any{
			"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}, "required": []string{"city"},
		})},
	}}}}
	messages := []types.Message{user("What is the weather in Lisbon?")}
	out, err := client.Converse(t.Context(), &bedrockruntime.ConverseInput{ModelId: aws.String(claude), Messages: messages, ToolConfig: tools})
	if err != nil {
		t.Fatal(err)
	}
	if out.StopReason != types.StopReasonToolUse {
		t.Fatalf("stop reason = %s", out.StopReason)
	}
	m := answer(t, out)
	var use types.ToolUseBlock
	for _, c := range m.Content {
		if u, ok := c.(*types.ContentBlockMemberToolUse); ok {
			use = u.Value
		}
	}
	var input struct{ City string }
	if err := use.Input.UnmarshalSmithyDocument(&input); err != nil || input.City != "Lisbon" {
		t.Fatalf("input = %+v, %v", input, err)
	}
	messages = append(messages, m, types.Message{Role: types.ConversationRoleUser, Content: []types.ContentBlock{&types.ContentBlockMemberToolResult{Value: types.ToolResultBlock{
		ToolUseId: use.ToolUseId,
		Content:   []types.ToolResultContentBlock{&types.ToolResultContentBlockMemberJson{Value: document.NewLazyDocument(map[string]any{"temperature": 23})}},
	}}}})
	out, err = client.Converse(t.Context(), &bedrockruntime.ConverseInput{ModelId: aws.String(claude), Messages: messages, ToolConfig: tools})
	if err != nil {
		t.Fatal(err)
	}
	if got := textOf(answer(t, out)); !strings.Contains(got, "23") {
		t.Errorf("answer = %q", got)
	}
}

func TestInvokeModel(t *testing.T) {
	client := bedrockruntime.NewFromConfig(load(t))
	body, err := json.Marshal(map[string]any{"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100, "system": notes, "messages": []any{map[string]any{"role": "user", "content": ask}}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.InvokeModel(t.Context(), &bedrockruntime.InvokeModelInput{ModelId: aws.String(claude), Body: body})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out.Body), "storage team") || aws.ToString(out.ContentType) != "application/json" {
		t.Errorf("%s %s", aws.ToString(out.ContentType), out.Body)
	}
}

func TestCatalogAndIdentity(t *testing.T) {
	cfg := load(t)
	models, err := bedrock.NewFromConfig(cfg).ListFoundationModels(t.Context(), &bedrock.ListFoundationModelsInput{ByProvider: aws.String("Anthropic")})
	if err != nil || len(models.ModelSummaries) == 0 {
		t.Errorf("models: %v, %v", models, err)
	}
	me, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || aws.ToString(me.Account) != "123456789012" {
		t.Errorf("identity: %v, %v", me, err)
	}
}

func TestRetries(t *testing.T) {
	client := bedrockruntime.NewFromConfig(load(t), func(o *bedrockruntime.Options) {
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.RateLimiter = ratelimit.None; o.MaxBackoff = 1 })
	})
	for _, c := range []struct {
		ask, code string
		attempts  int
	}{
		{"throttle", "ThrottlingException", 3},
		{"unavailable", "ServiceUnavailableException", 3},
		{"not ready", "ModelNotReadyException", 1},
		{"model error", "ModelErrorException", 1},
		{"model timeout", "ModelTimeoutException", 1},
		{"invalid", "ValidationException", 1},
		{"denied", "AccessDeniedException", 1},
	} {
		_, err := client.Converse(t.Context(), &bedrockruntime.ConverseInput{ModelId: aws.String("test.scripted"), Messages: []types.Message{user(c.ask)}})
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != c.code {
			t.Errorf("%s: %v, want %s", c.ask, err, c.code)
			continue
		}
		attempts := 1
		if exhausted, ok := errors.AsType[*retry.MaxAttemptsError](err); ok {
			attempts = exhausted.Attempt
		}
		if attempts != c.attempts {
			t.Errorf("%s: %d attempts, want %d", c.ask, attempts, c.attempts)
		}
	}
}
