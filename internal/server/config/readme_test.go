package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/server/config"
)

// TestReadme parses the configuration that the README shows.
func TestReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for rest := string(text); ; found++ {
		_, after, ok := strings.Cut(rest, "```yaml\n")
		if !ok {
			break
		}
		var block string
		block, rest, _ = strings.Cut(after, "```")
		if _, err := config.Parse([]byte(block), func(string) (string, bool) { return "a-key", true }); err != nil {
			t.Errorf("%v in\n%s", err, block)
		}
	}
	if found == 0 {
		t.Error("the README shows no configuration")
	}
}
