package resource

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/httpapi"
)

// SSO logs users in at identity providers.
type SSO interface {
	LoginProviders(ctx context.Context, organization, email string) ([]queryserver.Provider, error)
	BeginSSO(ctx context.Context, begin *queryserver.SSOBegin) (*queryserver.SSOBegun, error)
	ExchangeSSO(ctx context.Context, code, verifier, device string, client queryserver.Client) (*queryserver.LoginResult, error)
	FinishLink(ctx context.Context, code, proof string, client queryserver.Client) error
}

const tagSSO = "Single sign-on"

type ssoRoutes struct {
	service SSO
	login   *login
}

// SSORoutes begin a login at an identity provider, and end it for programs. Package page
// has the callback, at which browsers come back.
func SSORoutes(service SSO, cookies httpapi.Cookies) []httpapi.Route {
	s := &ssoRoutes{service, &login{cookies: cookies}}
	at := func(method, path, id, summary string) httpapi.Operation {
		return httpapi.Operation{Method: method, Path: "/api/v2/sso/" + path, ID: id, Tag: tagSSO, Summary: summary}
	}
	begin := at(http.MethodGet, "{provider}/login", "beginSso", "Log in at an identity provider")
	begin.Description = "Redirects the browser to the provider, or gives the address as JSON to who accepts application/json and no page."
	public := httpapi.Public()
	return []httpapi.Route{
		httpapi.JSON(public, at(http.MethodGet, "providers", "listLoginProviders", "List what a login page may offer"), s.providers),
		httpapi.JSON(public, begin, s.begin),
		httpapi.JSON(public, at(http.MethodPost, "token", "exchangeSsoCode", "Exchange the code of a finished login for tokens"), s.token),
		httpapi.JSON(public, at(http.MethodPost, "link", "finishSsoLink", "Adopt an identity by the link of an e-mail"), s.link),
	}
}

// Somebody is the input of a route that finds the providers of an organization.
type Somebody struct {
	Organization string `query:"organization" maxLength:"200" doc:"The organization's name"`
	Email        string `query:"email" maxLength:"320" doc:"An address of a domain that the organization has proved"`
}

// OfferedProvider is a provider as a login page shows it.
type OfferedProvider struct {
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
	Kind        string `json:"kind" doc:"oidc, google, entra or github"`
	LoginPath   string `json:"loginPath" doc:"Send the browser there"`
}

func (s *ssoRoutes) providers(ctx context.Context, _ queryserver.Call, input *Somebody) (*many[OfferedProvider], error) {
	all, err := s.service.LoginProviders(ctx, input.Organization, input.Email)
	var offered []OfferedProvider
	for i := range all {
		offered = append(offered, OfferedProvider{
			Name: all[i].Name, DisplayName: all[i].Shown(), Kind: all[i].Kind, LoginPath: "/api/v2/sso/" + all[i].Segment() + "/login",
		})
	}
	return manyOf(offered, err)
}

type ssoBeginInput struct {
	Somebody
	Provider      string `path:"provider" maxLength:"64" doc:"The name of a provider, or its UUID"`
	ReturnTo      string `query:"returnTo" maxLength:"2048" doc:"A path of this server; default /"`
	Invitation    string `query:"invitation" maxLength:"128" doc:"The code of an invitation to accept"`
	CodeChallenge string `query:"codeChallenge" maxLength:"43" doc:"Asks for a code for tokens in place of a cookie: base64url(SHA-256(codeVerifier))"`
	Accept        string `header:"Accept" maxLength:"1024" hidden:"true"`
}

type ssoBeginOutput struct {
	Status    int
	Location  string        `header:"Location"`
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      struct {
		URL string `json:"url" doc:"The provider's page, for the browser that has the cookie"`
	}
}

// ssoCookieAge is how long somebody may take to log in at the provider.
const ssoCookieAge = 10 * time.Minute

func (s *ssoRoutes) begin(ctx context.Context, _ queryserver.Call, input *ssoBeginInput) (*ssoBeginOutput, error) {
	begun, err := s.service.BeginSSO(ctx, &queryserver.SSOBegin{
		Provider: input.Provider, Organization: input.Organization, Email: input.Email, ReturnTo: input.ReturnTo,
		Invitation: input.Invitation, CodeChallenge: input.CodeChallenge,
	})
	if err != nil {
		if problem := loginProblem(err); problem != "" && strings.Contains(input.Accept, "text/html") {
			return &ssoBeginOutput{Status: http.StatusSeeOther, Location: "/login?problem=" + problem}, nil
		}
		return nil, err
	}
	output := begunOutput(begun, s.login.cookies)
	if strings.Contains(input.Accept, "application/json") && !strings.Contains(input.Accept, "text/html") {
		output.Status = http.StatusOK
	} else {
		output.Status, output.Location = http.StatusFound, begun.URL
	}
	return output, nil
}

func begunOutput(begun *queryserver.SSOBegun, cookies httpapi.Cookies) *ssoBeginOutput {
	output := &ssoBeginOutput{SetCookie: []http.Cookie{cookies.Named(httpapi.SSOCookie, begun.Cookie, ssoCookieAge)}}
	output.Body.URL = begun.URL
	return output
}

// loginProblem is what the login page is told of a failure that its reader can do
// something about.
func loginProblem(err error) string {
	switch queryserver.CodeOf(err) {
	case queryserver.NotFound:
		return "provider"
	case queryserver.Unavailable:
		return "unavailable"
	default:
		return ""
	}
}

type ssoTokenInput struct {
	Browser
	Body struct {
		Code         string `json:"code" minLength:"1" maxLength:"128" doc:"What follows #code= in the address that the browser was sent to"`
		CodeVerifier string `json:"codeVerifier" minLength:"43" maxLength:"128" doc:"The secret whose hash the login began with (RFC 7636)"`
	}
}

func (s *ssoRoutes) token(ctx context.Context, call queryserver.Call, input *ssoTokenInput) (*sessionOutput, error) {
	result, err := s.service.ExchangeSSO(ctx, input.Body.Code, input.Body.CodeVerifier, input.device(s.login.cookies), call.Client)
	if err != nil {
		return nil, err
	}
	return s.login.answer(result), nil
}

type ssoLinkInput struct {
	Browser
	Body struct {
		Code string `json:"code" minLength:"1" maxLength:"128" doc:"What ends the link of the e-mail"`
	}
}

func (s *ssoRoutes) link(ctx context.Context, call queryserver.Call, input *ssoLinkInput) (*struct{}, error) {
	return nil, s.service.FinishLink(ctx, input.Body.Code, input.named(s.login.cookies, httpapi.SSOLinkCookie), call.Client)
}
