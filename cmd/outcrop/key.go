package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/iam"
	"github.com/outcrop-ai/outcrop/internal/server"
)

// keyCmd manages keys; a running server notices within a second.
type keyCmd struct {
	Create keyCreateCmd `cmd:"" help:"Create an access key, or with --bearer an API key."`
	List   keyListCmd   `cmd:"" help:"List keys, without their secrets."`
	Revoke keyRevokeCmd `cmd:"" help:"Revoke a key; streams it opened end too."`
}

type keyCreateCmd struct {
	location
	Name      string        `arg:"" help:"What the key is for: letters, digits and _+=,.@-"`
	Bearer    bool          `help:"An API key for AWS_BEARER_TOKEN_BEDROCK and /openai/v1, in place of an access key."`
	Allow     []string      `help:"Action to allow, such as bedrock:InvokeModel (repeatable). Default: bedrock:*." placeholder:"ACTION"`
	Resource  []string      `help:"ARN the actions are allowed on, with wildcards (repeatable). Default: all." placeholder:"ARN"`
	ExpiresIn time.Duration `help:"How long the key is good for, such as 720h. Default: until revoked." placeholder:"DURATION"`
	JSON      bool          `help:"As JSON." name:"json"`
}

// Help shows examples.
func (keyCreateCmd) Help() string {
	return `The secret is shown this once.

Examples:
  outcrop key create app --allow bedrock:InvokeModel --resource 'arn:aws:bedrock:*::foundation-model/anthropic.*'
  outcrop key create ci --expires-in 24h
  export AWS_BEARER_TOKEN_BEDROCK=$(outcrop key create notebook --bearer --json | jq -r .apiKey)`
}

// Run creates the key.
func (c *keyCreateCmd) Run(ctx context.Context, s streams) error {
	if c.ExpiresIn < 0 {
		return errors.New("--expires-in cannot be negative")
	}
	n := iam.NewKey{Name: c.Name, Kind: iam.SigV4, Actions: c.Allow, Resources: c.Resource}
	if c.Bearer {
		n.Kind = iam.Bearer
	}
	if len(n.Actions) == 0 {
		n.Actions = []string{"bedrock:*"}
	}
	if c.ExpiresIn > 0 {
		n.Expires = time.Now().Add(c.ExpiresIn)
	}
	return withKeys(ctx, s, c.location, func(keys *iam.Store) error {
		made, err := keys.Create(ctx, n)
		if err != nil {
			return err
		}
		return c.print(s, made)
	})
}

func (c *keyCreateCmd) print(s streams, made iam.Created) error {
	if c.JSON {
		out := map[string]string{"accessKeyId": made.ID, "arn": made.ARN()}
		if c.Bearer {
			out = map[string]string{"apiKeyId": made.ID, "arn": made.ARN(), "apiKey": made.Secret}
		} else {
			out["secretAccessKey"] = made.Secret
		}
		return json.NewEncoder(s.out).Encode(out)
	}
	if c.Bearer {
		_, err := fmt.Fprintf(s.out, "# %s allows %s\nexport AWS_BEARER_TOKEN_BEDROCK=%s\n", made.ID, allowed(made.Key), made.Secret)
		return err
	}
	_, err := fmt.Fprintf(s.out, "# %s allows %s\nexport AWS_ACCESS_KEY_ID=%s\nexport AWS_SECRET_ACCESS_KEY=%s\n", made.ARN(), allowed(made.Key), made.ID, made.Secret)
	return err
}

type keyListCmd struct {
	location
	JSON bool `help:"As JSON." name:"json"`
}

// Run lists the keys.
func (c *keyListCmd) Run(ctx context.Context, s streams) error {
	return withKeys(ctx, s, c.location, func(keys *iam.Store) error {
		list, err := keys.List(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			enc := json.NewEncoder(s.out)
			enc.SetIndent("", "  ")
			return enc.Encode(list)
		}
		w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "ID\tNAME\tKIND\tSTATUS\tALLOWS\tCREATED\tEXPIRES")
		for _, k := range list {
			expires := "-"
			if !k.Expires.IsZero() {
				expires = k.Expires.Local().Format(time.DateTime)
			}
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, orDash(k.Name), k.Kind, k.Status(time.Now()), allowed(k),
				k.Created.Local().Format(time.DateTime), expires)
		}
		return w.Flush()
	})
}

type keyRevokeCmd struct {
	location
	ID string `arg:"" help:"ID or name of the key, from \"outcrop key list\"."`
}

// Run revokes the key.
func (c *keyRevokeCmd) Run(ctx context.Context, s streams) error {
	return withKeys(ctx, s, c.location, func(keys *iam.Store) error {
		k, err := keys.Revoke(ctx, c.ID)
		if err != nil {
			return err
		}
		text := "Revoked " + k.ID + "."
		if k.Kind == iam.Root {
			text += " A new root key is in the data folder: run `outcrop env` again."
		}
		_, err = fmt.Fprintln(s.out, text)
		return err
	})
}

// withKeys opens the keys of a data folder, beside a running server or without one.
func withKeys(ctx context.Context, s streams, l location, f func(*iam.Store) error) (err error) {
	cfg, err := l.load()
	if err != nil {
		return err
	}
	if _, err := os.Stat(cfg.Data); errors.Is(err, fs.ErrNotExist) {
		_, _ = fmt.Fprintf(s.err, "note: the data folder %s is new; a server finds the key there only when it uses the same --data and --config\n", cfg.Data)
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return err
	}
	d, err := db.Open(ctx, server.StoreURL(cfg))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	keys, err := server.OpenKeys(ctx, cfg, d, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return f(keys)
}

func allowed(k iam.Key) string {
	if k.Kind == iam.Root {
		return "everything"
	}
	text := strings.Join(k.Actions, ", ")
	if len(k.Resources) > 0 {
		text += " on " + strings.Join(k.Resources, ", ")
	}
	return text
}
