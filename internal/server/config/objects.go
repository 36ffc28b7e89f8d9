package config

import (
	"fmt"
	"strings"
)

// Objects says where the objects of the S3 endpoint, and of every s3:// that a request
// names, are kept.
type Objects struct {
	// S3 passes on to an S3; nil keeps objects in the data folder.
	S3 *S3 `yaml:"s3"`
	// Domains are host names of this server below which a label names a bucket
	// (bucket.s3.example.com), beside localhost.
	Domains []string `yaml:"domains"`
}

// S3 is any object store with S3's API.
type S3 struct {
	Endpoint  string `yaml:"endpoint"` // empty: AWS's own for the region
	Region    string `yaml:"region"`   // of its signatures; empty: us-east-1
	AccessKey string `yaml:"access_key"`
	SecretKey Secret `yaml:"secret_key"`
	// SessionToken belongs to a temporary key; empty: there is none.
	SessionToken Secret `yaml:"session_token"`
	// VirtualHost puts bucket names into host names, which AWS wants and few others do.
	// Unset: only without an endpoint.
	VirtualHost *bool `yaml:"virtual_host"`
}

// objectFields is Objects without its UnmarshalYAML.
type objectFields Objects

// UnmarshalYAML reads the word "local" or the whole form.
func (o *Objects) UnmarshalYAML(unmarshal func(any) error) error {
	var word string
	if err := unmarshal(&word); err == nil {
		if word != "local" {
			return fmt.Errorf("objects: %q is neither local nor {s3: {…}}", word)
		}
		*o = Objects{}
		return nil
	}
	return unmarshal((*objectFields)(o))
}

// expand fills the environment's values in.
func (o *Objects) expand(fill func(key string, s *string)) {
	if o.S3 == nil {
		return
	}
	fill("objects.s3.endpoint", &o.S3.Endpoint)
	fill("objects.s3.access_key", &o.S3.AccessKey)
	for key, secret := range map[string]*Secret{"secret_key": &o.S3.SecretKey, "session_token": &o.S3.SessionToken} {
		text := string(*secret)
		fill("objects.s3."+key, &text)
		*secret = Secret(text)
	}
}

func (o *Objects) validate(p *problems) {
	for _, d := range o.Domains {
		p.check(d != "" && !strings.ContainsAny(d, "/: ") && !strings.HasPrefix(d, "."), "objects.domains: %q is not a host name", d)
	}
	if o.S3 == nil {
		return
	}
	p.check(o.S3.Endpoint == "" || isWeb(o.S3.Endpoint), "objects.s3.endpoint: %q is not an http or https address", redact(o.S3.Endpoint))
	p.check(o.S3.AccessKey != "" && o.S3.SecretKey != "", "objects.s3: needs access_key and secret_key, such as ${S3_ACCESS_KEY} and ${S3_SECRET_KEY}")
	p.check(o.S3.Region == "" || region.MatchString(o.S3.Region) || o.S3.Endpoint != "", "objects.s3.region: %q is not a region such as us-east-1", o.S3.Region)
}
