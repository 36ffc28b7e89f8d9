// Package arn parses and builds Amazon Resource Names.
//
// It knows the six fields and nothing about what any service puts in the last one.
package arn

import (
	"fmt"
	"strings"
)

// ARN is arn:Partition:Service:Region:Account:Resource.
type ARN struct {
	Partition string // "aws"
	Service   string // "bedrock"
	Region    string // may be empty
	Account   string // may be empty: foundation models belong to no account
	Resource  string // everything after the fifth colon, e.g. "foundation-model/x:0"
}

// Parse splits s. Only the shape is checked: six fields, "arn" first, partition,
// service and resource not empty.
func Parse(s string) (ARN, error) {
	f := strings.SplitN(s, ":", 6)
	if len(f) != 6 || f[0] != "arn" || f[1] == "" || f[2] == "" || f[5] == "" {
		return ARN{}, fmt.Errorf("%q is not an ARN", s)
	}
	return ARN{Partition: f[1], Service: f[2], Region: f[3], Account: f[4], Resource: f[5]}, nil
}

// Is reports whether s looks like an ARN at all.
func Is(s string) bool { return strings.HasPrefix(s, "arn:") }

// Bedrock returns an ARN of the bedrock service in the aws partition.
func Bedrock(region, account, resource string) ARN {
	return ARN{Partition: "aws", Service: "bedrock", Region: region, Account: account, Resource: resource}
}

// Type returns the resource up to the first slash: "foundation-model".
func (a ARN) Type() string {
	t, _, _ := strings.Cut(a.Resource, "/")
	return t
}

// ID returns the resource after the first slash, or all of it when there is none.
func (a ARN) ID() string {
	if _, id, ok := strings.Cut(a.Resource, "/"); ok {
		return id
	}
	return a.Resource
}

// String returns the ARN as written.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}
