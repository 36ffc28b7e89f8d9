package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/iam"
)

// envCmd prints what points AWS clients at the server.
type envCmd struct {
	location
	Region string `help:"Region to set. Default: the configuration's default_region." placeholder:"REGION"`
	Shell  string `help:"Syntax to print: sh, fish or powershell." enum:"sh,fish,powershell" default:"sh"`
}

// Help shows how to use it.
func (envCmd) Help() string {
	return `Prints variables with the endpoint, the root key and the region, and unsets those that would win
over them. Give the same --listen, --data or --config as to serve. The root key may do everything:
for an application make one of its own with "outcrop key create".

Examples:
  eval "$(outcrop env)"
  outcrop env --shell fish | source`
}

// Run prints the variables.
func (c *envCmd) Run(ctx context.Context, s streams) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	key, err := awaitRootKey(ctx, cfg.Data)
	if err != nil {
		return err
	}
	if c.Region, err = regionOr(c.Region, cfg); err != nil {
		return err
	}
	url := endpoint(cfg)
	for _, v := range [][2]string{
		{"AWS_ENDPOINT_URL", url},
		{"AWS_BEDROCK_RUNTIME_ENDPOINT", url}, // LiteLLM
		{"ANTHROPIC_BEDROCK_BASE_URL", url},   // Anthropic's SDKs
		{"AWS_ACCESS_KEY_ID", key.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", key.SecretAccessKey},
		{"AWS_REGION", c.Region},
		{"AWS_DEFAULT_REGION", c.Region}, // the only one that boto3 and the CLI read
	} {
		if err := c.print(s, v[0], v[1]); err != nil {
			return err
		}
	}
	for _, name := range []string{"AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK"} {
		if err := c.print(s, name, ""); err != nil {
			return err
		}
	}
	return nil
}

// syntax is how a shell sets and unsets a variable, and what its single quotes need.
type syntax struct {
	set, unset string
	quote      *strings.Replacer
}

func syntaxOf(shell string) syntax {
	switch shell {
	case "fish":
		return syntax{"set -gx %s '%s'\n", "set -e %s\n", strings.NewReplacer(`\`, `\\`, `'`, `\'`)}
	case "powershell":
		return syntax{"$Env:%s = '%s'\n", "Remove-Item Env:%s -ErrorAction SilentlyContinue\n", strings.NewReplacer(`'`, `''`)}
	}
	return syntax{"export %s='%s'\n", "unset %s\n", strings.NewReplacer(`'`, `'\''`)}
}

// print writes one variable; an empty value unsets it.
func (c *envCmd) print(s streams, name, value string) error {
	x := syntaxOf(c.Shell)
	if value == "" {
		_, err := fmt.Fprintf(s.out, x.unset, name)
		return err
	}
	_, err := fmt.Fprintf(s.out, x.set, name, x.quote.Replace(value))
	return err
}

// firstStart is how long a first start may take until it has made the root key.
const firstStart = 3 * time.Second

// awaitRootKey is readRootKey for one who has just told a server to start, in the line above.
func awaitRootKey(ctx context.Context, data string) (aws.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, firstStart)
	defer cancel()
	for {
		key, err := readRootKey(data)
		if !fault.Is(err, fault.NotFound) {
			return key, err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return key, err
		}
	}
}

// readRootKey returns the root key that the first start left in the data folder.
func readRootKey(data string) (aws.Credentials, error) {
	key, err := iam.ReadCredentials(data)
	if err != nil {
		return aws.Credentials{}, err
	}
	return aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey}, nil
}

// reachable turns an address to listen on into one to connect to.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	switch ip := net.ParseIP(host); {
	case host == "", ip != nil && ip.IsUnspecified() && ip.To4() != nil:
		host = "127.0.0.1"
	case ip != nil && ip.IsUnspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}
