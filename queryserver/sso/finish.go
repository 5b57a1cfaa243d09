package sso

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Finish proves who came back from a provider. The caller has taken the Pending out of
// its store, so that it serves once, and gives the parameters of the callback's query
// and the value of the cookie. It checks, in this order: the browser, the provider and
// the time of the login; who answers (RFC 9207); and what is answered.
func (c *Client) Finish(ctx context.Context, provider Provider, pending Pending, callback url.Values, cookie string) (Identity, error) {
	if err := provider.Validate(); err != nil {
		return Identity{}, err
	}
	came, err := parseAnswer(callback)
	if err != nil {
		return Identity{}, refused(err)
	}
	values, err := pending.resume(&provider, came, cookie, c.now())
	if err != nil {
		return Identity{}, refused(err)
	}
	ctx = oidc.ClientContext(ctx, c.http)
	if provider.Kind == GitHub {
		return c.finishGitHub(ctx, &provider, &pending, came, values)
	}
	return c.finishOIDC(ctx, &provider, &pending, came, values)
}

// answer is what a provider tells through the browser (RFC 6749 section 4.1.2).
type answer struct{ state, issuer, code, failure string }

func parseAnswer(callback url.Values) (*answer, error) {
	var came answer
	for name, into := range map[string]*string{
		"state": &came.state, "iss": &came.issuer, "code": &came.code, "error": &came.failure,
	} {
		value, err := single(callback, name)
		if err != nil {
			return nil, err
		}
		*into = value
	}
	return &came, nil
}

// single is a parameter that may come once (RFC 6749 section 3.1); empty when it did not.
func single(callback url.Values, name string) (string, error) {
	values := callback[name]
	switch {
	case len(values) == 0:
		return "", nil
	case len(values) > 1:
		return "", fmt.Errorf("the callback has more than one %s", name)
	case len(values[0]) > maxParameter:
		return "", fmt.Errorf("the callback's %s is too long", name)
	}
	return values[0], nil
}

// granted is the code, unless the provider reports a failure.
func (a *answer) granted() error {
	switch {
	case a.failure != "":
		return authorizationFailed(a.failure)
	case a.code == "":
		return refused(errors.New("the callback has neither a code nor an error"))
	}
	return nil
}
