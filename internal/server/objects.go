package server

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"

	"github.com/outcrop-ai/outcrop/internal/api/s3"
	"github.com/outcrop-ai/outcrop/internal/object"
	"github.com/outcrop-ai/outcrop/internal/object/local"
	"github.com/outcrop-ai/outcrop/internal/object/remote"
	"github.com/outcrop-ai/outcrop/internal/server/config"
)

// objects is where every s3:// is.
type objects struct {
	object.Store
	shared bool      // it doesn't know accounts
	closer io.Closer // nil: there is nothing to close
}

// openObjects opens the store that the configuration names.
func openObjects(ctx context.Context, c config.Config, log *slog.Logger) (objects, error) {
	if to := c.Objects.S3; to != nil {
		virtual := to.Endpoint == ""
		if to.VirtualHost != nil {
			virtual = *to.VirtualHost
		}
		s, err := remote.New(remote.Config{
			Endpoint: to.Endpoint, Region: to.Region, VirtualHost: virtual,
			AccessKey: to.AccessKey, SecretKey: string(to.SecretKey), SessionToken: string(to.SessionToken),
		})
		return objects{Store: s, shared: true}, err
	}
	s, err := local.Open(ctx, local.Config{Dir: filepath.Join(c.Data, "objects"), Logger: log})
	if err != nil {
		return objects{}, err
	}
	return objects{Store: s, closer: s}, nil
}

func (o objects) close() error {
	if o.closer == nil {
		return nil
	}
	return o.closer.Close()
}

// s3Door is the S3 endpoint.
func s3Door(c config.Config, o objects, i *identity, log *slog.Logger) http.Handler {
	return s3.New(s3.Config{
		Store: o.Store, Shared: o.shared, Authenticate: i.authenticateS3, Authorize: i.allowS3,
		Regions: c.Regions, Domains: c.Objects.Domains, Logger: log,
	})
}
