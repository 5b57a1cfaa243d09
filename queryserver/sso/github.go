package sso

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/oauth2"
)

const (
	githubVersion  = "2022-11-28" // of its REST API
	maxEmailPages  = 10           // of 100 addresses
	githubPageSize = 100
)

// githubEndpoint are the pages of github.com and of Enterprise Servers alike. The
// secret goes into the body, as GitHub documents it.
func githubEndpoint(issuer string) oauth2.Endpoint {
	return oauth2.Endpoint{
		AuthURL: issuer + "/login/oauth/authorize", TokenURL: issuer + "/login/oauth/access_token",
		AuthStyle: oauth2.AuthStyleInParams,
	}
}

// githubAPI is where an issuer's REST API is.
func githubAPI(issuer string) string {
	host := strings.TrimPrefix(issuer, "https://")
	if host == "github.com" || strings.HasSuffix(host, ".ghe.com") {
		return "https://api." + host
	}
	return issuer + "/api/v3"
}

// finishGitHub exchanges the code and asks whose it is: OAuth 2.0 has no ID token, but
// the token comes straight from GitHub for our code and verifier.
func (c *Client) finishGitHub(ctx context.Context, provider *Provider, pending *Pending, came *answer, values derived) (Identity, error) {
	issuer := provider.issuer()
	if came.issuer != "" && came.issuer != issuer && came.issuer != issuer+"/login/oauth" {
		return Identity{}, refused(errors.New("the callback names another issuer"))
	}
	if err := came.granted(); err != nil {
		return Identity{}, err
	}
	config, err := c.oauth2Config(ctx, provider, pending.RedirectURI)
	if err != nil {
		return Identity{}, err
	}
	token, err := config.Exchange(ctx, came.code, oauth2.VerifierOption(values.verifier))
	if err != nil {
		return Identity{}, exchangeFailed(err)
	}
	api := githubClient{http: c.http, base: githubAPI(issuer), token: token}
	identity, err := api.user(ctx)
	if err != nil {
		return Identity{}, err
	}
	identity.Provider, identity.Issuer = provider.ID, issuer
	address, err := api.primaryEmail(ctx)
	if err != nil {
		return Identity{}, err
	}
	identity.setEmail(address, address != "")
	return identity, nil
}

// githubClient asks GitHub's REST API for one user.
type githubClient struct {
	http  *http.Client
	base  string
	token *oauth2.Token
}

// user is the account, named by its number: logins can be changed and taken over.
func (g githubClient) user(ctx context.Context) (Identity, error) {
	var account struct {
		ID      int64  `json:"id"`
		Login   string `json:"login"`
		Name    string `json:"name"`
		Picture string `json:"avatar_url"`
	}
	if _, err := g.get(ctx, "/user", &account); err != nil {
		return Identity{}, err
	}
	if account.ID <= 0 {
		return Identity{}, refused(errors.New("GitHub names no account"))
	}
	identity := Identity{Subject: strconv.FormatInt(account.ID, 10)}
	identity.setProfile(account.Name, account.Picture)
	if identity.Name == "" {
		identity.setProfile(account.Login, account.Picture)
	}
	return identity, nil
}

// primaryEmail is the primary address if it is verified, else empty, also when the
// application may not ask. The address of the public profile proves nothing.
func (g githubClient) primaryEmail(ctx context.Context) (string, error) {
	for page, more := 1, true; more && page <= maxEmailPages; page++ {
		var addresses []struct {
			Email    string `json:"email"`
			Primary  bool   `json:"primary"`
			Verified bool   `json:"verified"`
		}
		query := url.Values{"per_page": {strconv.Itoa(githubPageSize)}, "page": {strconv.Itoa(page)}}
		header, err := g.get(ctx, "/user/emails?"+query.Encode(), &addresses)
		if err != nil {
			if mayNotAsk(err) {
				return "", nil
			}
			return "", err
		}
		for _, address := range addresses {
			if address.Primary && address.Verified {
				return address.Email, nil
			}
		}
		// The address of the next page is made here, not taken from the answer.
		more = strings.Contains(header.Get("Link"), `rel="next"`)
	}
	return "", nil
}

func mayNotAsk(err error) bool {
	var status *statusError
	return errors.As(err, &status) && (status.status == http.StatusForbidden || status.status == http.StatusNotFound)
}

func (g githubClient) get(ctx context.Context, path string, into any) (http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.base+path, nil)
	if err != nil {
		return nil, fmt.Errorf("ask GitHub: %w", err)
	}
	g.token.SetAuthHeader(request)
	request.Header.Set("Accept", "application/vnd.github+json")
	request.Header.Set("X-GitHub-Api-Version", githubVersion)
	response, err := g.http.Do(request)
	if err != nil {
		return nil, callFailed(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return nil, callFailed(fmt.Errorf("read GitHub's answer: %w", err))
	}
	return response.Header, nil
}
