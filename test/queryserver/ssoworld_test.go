//go:build linux

package queryserver

import (
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/telemetryflow/telemetryflow/internal/testkit"
	"github.com/telemetryflow/telemetryflow/internal/testkit/oidctest"
	"github.com/telemetryflow/telemetryflow/internal/testkit/smtptest"
)

// nameServer answers questions for TXT records over UDP.
type nameServer struct {
	address string
	mu      sync.Mutex
	records map[string]string
}

func newNameServer(t *testing.T) *nameServer {
	t.Helper()
	listener, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	n := &nameServer{address: listener.LocalAddr().String(), records: make(map[string]string)}
	var served sync.WaitGroup
	served.Go(func() {
		packet := make([]byte, 1500)
		for {
			size, from, err := listener.ReadFrom(packet)
			if err != nil {
				return
			}
			if answer, err := n.answer(packet[:size]); err == nil {
				_, _ = listener.WriteTo(answer, from)
			}
		}
	})
	t.Cleanup(func() { listener.Close(); served.Wait() })
	return n
}

func (n *nameServer) publish(name, value string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.records[name+"."] = value
}

func (n *nameServer) answer(packet []byte) ([]byte, error) {
	var asked dnsmessage.Message
	if err := asked.Unpack(packet); err != nil {
		return nil, err
	}
	question := asked.Questions[0]
	answer := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: asked.ID, Response: true, Authoritative: true, RecursionDesired: asked.RecursionDesired, RecursionAvailable: true},
		Questions: asked.Questions,
	}
	n.mu.Lock()
	value, known := n.records[question.Name.String()]
	n.mu.Unlock()
	switch {
	case !known:
		answer.RCode = dnsmessage.RCodeNameError
	case question.Type == dnsmessage.TypeTXT:
		answer.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET, TTL: 1},
			Body:   &dnsmessage.TXTResource{TXT: []string{value}},
		}}
	}
	return answer.Pack()
}

// ssoWorld is a server that may call some identity providers of this machine.
type ssoWorld struct {
	*server
	names *nameServer
	owner *client
}

// startSSO starts it with the providers' addresses and whom to trust for them.
func startSSO(t *testing.T, providers map[string]string) *ssoWorld {
	t.Helper()
	var ports, bundle []string
	for address, file := range providers {
		parsed, err := url.Parse(address)
		require.NoError(t, err)
		ports = append(ports, parsed.Port())
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		bundle = append(bundle, string(text))
	}
	authorities := filepath.Join(t.TempDir(), "authorities.pem")
	require.NoError(t, os.WriteFile(authorities, []byte(strings.Join(bundle, "\n")), 0o600))
	w := &ssoWorld{
		server: &server{database: testkit.Postgres(t), redis: testkit.Redis(t), sink: smtptest.Start(t)}, names: newNameServer(t),
	}
	w.environment = []string{"TELEMETRYFLOW_DNS_SERVER=" + w.names.address}
	if len(providers) > 0 {
		w.environment = append(w.environment, "TELEMETRYFLOW_OUTBOUND_ALLOW=[127.0.0.1/32]",
			"TELEMETRYFLOW_OUTBOUND_PORTS=["+strings.Join(ports, ", ")+"]", "TELEMETRYFLOW_OUTBOUND_CA_FILE="+authorities)
	}
	w.fill(t)
	w.run(t)
	w.owner = w.login(t, email)
	return w
}

func rogues(all ...*oidctest.Rogue) map[string]string {
	known := make(map[string]string)
	for _, rogue := range all {
		known[rogue.URL] = rogue.CAFile
	}
	return known
}

type idp struct{ ProviderID, Name, CallbackPath string }

// provider configures a provider of the caller's organization.
func (w *ssoWorld) provider(t *testing.T, by *client, rogue *oidctest.Rogue, more map[string]any) idp {
	t.Helper()
	body := map[string]any{"name": "corp", "displayName": "Corp", "issuer": rogue.URL, "clientId": rogue.ID, "clientSecret": rogue.Secret, "algorithms": []string{"ES256"}}
	for name, value := range more {
		body[name] = value
	}
	var made idp
	status, _ := by.ask(t, http.MethodPost, "/api/v2/sso-providers", body, &made)
	require.Equal(t, http.StatusCreated, status)
	return made
}

type domain struct {
	Domain, RecordName, RecordValue string
	VerifiedAt                      *string
}

// prove publishes the record of a domain and has it looked at.
func (w *ssoWorld) prove(t *testing.T, by *client, name string) {
	t.Helper()
	var made domain
	status, _ := by.ask(t, http.MethodPost, "/api/v2/domains", map[string]any{"domain": name}, &made)
	require.Equal(t, http.StatusCreated, status)
	w.names.publish(made.RecordName, made.RecordValue)
	status, _ = by.ask(t, http.MethodPost, "/api/v2/domains/"+name+"/verify", nil, &made)
	require.Equal(t, http.StatusOK, status)
	require.NotNil(t, made.VerifiedAt)
}

// surfer is a browser that stays where it is sent.
func (w *ssoWorld) surfer(t *testing.T) *browser {
	t.Helper()
	b := w.browser(t)
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return b
}

// page is an answer that a browser gets.
type page struct {
	status   int
	location string
	text     string
}

func (w *ssoWorld) visit(t *testing.T, b *browser, path string) page {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+path, nil)
	require.NoError(t, err)
	request.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	response, err := b.Do(request)
	require.NoError(t, err)
	text := readAll(t, response)
	t.Logf("GET %.60s: %d %.60s", path, response.StatusCode, response.Header.Get("Location"))
	return page{response.StatusCode, response.Header.Get("Location"), text}
}

// begin goes to a provider's page.
func (w *ssoWorld) begin(t *testing.T, b *browser, provider, query string) string {
	t.Helper()
	sent := w.visit(t, b, "/api/v2/sso/"+provider+"/login"+query)
	require.Equal(t, http.StatusFound, sent.status, sent.text)
	return sent.location
}

// comeBack is what the browser is answered when the provider sends it back.
func (w *ssoWorld) comeBack(t *testing.T, b *browser, provider string, with url.Values) page {
	t.Helper()
	return w.visit(t, b, "/api/v2/sso/"+provider+"/callback?"+with.Encode())
}

// signIn goes the whole way at a provider.
func (w *ssoWorld) signIn(t *testing.T, b *browser, rogue *oidctest.Rogue, provider, query string) page {
	t.Helper()
	return w.comeBack(t, b, provider, rogue.Authorize(w.begin(t, b, provider, query)))
}

// tells makes a provider tell of somebody.
func tells(rogue *oidctest.Rogue, subject, email string, more map[string]any) {
	rogue.Claims = func(claims map[string]any) {
		claims["sub"], claims["email"], claims["name"] = subject, email, "Somebody"
		for name, value := range more {
			claims[name] = value
		}
	}
}

type person struct {
	UserID, Email, DisplayName, PictureURL string
	Enabled, HasPassword, HasMFA           bool
	LastLoginAt                            *string
}

// people are the users of a caller's organization, by address.
func (w *ssoWorld) people(t *testing.T, by *client) map[string]person {
	t.Helper()
	var users struct{ Items []person }
	status, _ := by.ask(t, http.MethodGet, "/api/v2/users?limit=200", nil, &users)
	require.Equal(t, http.StatusOK, status)
	all := make(map[string]person)
	for _, user := range users.Items {
		all[user.Email] = user
	}
	return all
}

type me struct {
	ID, OrganizationID, TenantID string
	Permissions                  []string
}

// who is logged in at a browser; "" for nobody.
func (b *browser) who(t *testing.T) (who me) {
	t.Helper()
	if status, _ := b.ask(t, http.MethodGet, "/api/v2/auth/me", nil, &who); status != http.StatusOK {
		return me{}
	}
	return who
}
