package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// The callers of the tests. Ada may read and write, Bob only reads what is of service b.
const (
	adaToken, bobToken     = "eyJhbGciOiJFZERTQSJ9.ada.signature", "eyJhbGciOiJFZERTQSJ9.bob.signature"
	adaSession, bobSession = "session-of-ada", "session-of-bob"
	downToken, brokenToken = "token-while-the-store-is-down", "token-that-breaks"
	nobodyToken            = "token-of-nobody"
)

type callers struct {
	key       apikey.Credential
	ada, bob  *queryserver.Call
	presented chan Presented
}

func newCallers() *callers {
	call := func(id string, organization byte, grants map[queryserver.Permission]queryserver.Filter) *queryserver.Call {
		scope := queryserver.NewScope(tenant.ID{organization}, tenant.Scope{Workspace: tenant.ID{organization, 1}, Tenant: tenant.ID{organization, 2}}, grants)
		return &queryserver.Call{Subject: queryserver.Subject{Kind: queryserver.UserSubject, ID: id}, Scope: scope}
	}
	return &callers{
		key: apikey.NewCredential(),
		ada: call("ada", 1, map[queryserver.Permission]queryserver.Filter{queryserver.MetricsRead: {}, queryserver.DashboardsWrite: {}}),
		bob: call("bob", 2, map[queryserver.Permission]queryserver.Filter{
			queryserver.MetricsRead: queryserver.Union([]queryserver.Predicate{{Dimension: "service", Values: []string{"b"}}}),
		}),
		presented: make(chan Presented, 1),
	}
}

func (c *callers) Authenticate(_ context.Context, p Presented) (*queryserver.Call, error) {
	select {
	case c.presented <- p:
	default:
	}
	switch secret := string(p.Token); {
	case p.Kind == BearerCredential && secret == adaToken, p.Kind == SessionCredential && secret == adaSession:
		return c.ada, nil
	case p.Kind == BearerCredential && secret == bobToken, p.Kind == SessionCredential && secret == bobSession:
		return c.bob, nil
	case p.Kind == APIKeyCredential && p.Key == c.key:
		return c.bob, nil
	case secret == downToken:
		return nil, &queryserver.Error{Code: queryserver.Unavailable, Message: "credentials cannot be verified at the moment", RetryAfter: 1500 * time.Millisecond, Cause: errors.New("dial tcp 10.0.0.1")}
	case secret == brokenToken:
		return nil, errors.New("password authentication failed for user telemetryflow_app")
	case secret == nobodyToken:
		return nil, nil //nolint:nilnil // what the guard must survive
	default:
		return nil, queryserver.Errorf(queryserver.Unauthenticated, "the credential does not hold")
	}
}

type thing struct {
	Name     string `json:"name" minLength:"1" maxLength:"64"`
	Password string `json:"password,omitempty" maxLength:"128"`
	Count    int    `json:"count,omitempty" minimum:"0" maximum:"1000"`
	Of       *thing `json:"of,omitempty"`
}

type thingInput struct{ Body thing }

type thingOutput struct{ Body thing }

type listInput struct {
	Page
	Name string `query:"name" maxLength:"64"`
}

type idInput struct {
	ID tenant.ID `path:"id" format:"uuid"`
}

type kindInput struct {
	Kind string `path:"kind" maxLength:"32"`
}

type who struct {
	Subject      string `json:"subject"`
	Organization string `json:"organization"`
	IP           string `json:"ip"`
	UserAgent    string `json:"userAgent"`
	RequestID    string `json:"requestId"`
}

type whoOutput struct{ Body who }

// fixture is a running server, and all that it says.
type fixture struct {
	*Server
	*callers
	url, adminURL string
	logs          *safeBuffer
	spans         *tracetest.InMemoryExporter
	entered       chan struct{} // a request of /slow is under way
	release       chan struct{} // closed: it may go on
	denials       chan string
}

type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func testSettings() Settings {
	settings := DefaultSettings()
	settings.Listen, settings.Admin = "127.0.0.1:0", "127.0.0.1:0"
	settings.CursorKey = "0123456789abcdef0123456789abcdef"
	return settings
}

func setup(t *testing.T, change func(*Settings)) *fixture {
	t.Helper()
	settings := testSettings()
	if change != nil {
		change(&settings)
	}
	f := &fixture{
		callers: newCallers(), logs: &safeBuffer{}, spans: tracetest.NewInMemoryExporter(),
		entered: make(chan struct{}, 64), release: make(chan struct{}), denials: make(chan string, 64),
	}
	dependencies, routes := f.dependencies(t), f.routes()
	server, err := New(settings, dependencies, routes)
	require.NoError(t, err)
	require.NoError(t, server.Start(t.Context()))
	t.Cleanup(func() { _ = server.Shutdown(context.Background()) })
	f.Server, f.url, f.adminURL = server, "http://"+server.PublicAddr().String(), "http://"+server.AdminAddr().String()
	return f
}

func (f *fixture) dependencies(t *testing.T) Dependencies {
	t.Helper()
	registry := prometheus.NewRegistry()
	reader, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	require.NoError(t, err)
	return Dependencies{
		Version: "test", Authenticator: f.callers,
		Logger: slog.New(slog.NewJSONHandler(f.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Denied: func(_ context.Context, call queryserver.Call, route Route) {
			select {
			case f.denials <- call.Subject.ID + " " + route.Access().String():
			default: // nobody looks
			}
		},
		Tracers: sdktrace.NewTracerProvider(sdktrace.WithSyncer(f.spans)),
		Meters:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
		Metrics: registry,
	}
}

func (f *fixture) routes() []Route {
	at := func(method, path, id string) Operation {
		return Operation{Method: method, Path: path, ID: id, Tag: "Things", Summary: "Test " + id}
	}
	return []Route{
		JSON(Requires(queryserver.MetricsRead), at("GET", "/api/v2/things", "listThings"), listThings),
		JSON(Requires(queryserver.DashboardsWrite), at("POST", "/api/v2/things", "createThing"), echoThing),
		JSON(Requires(queryserver.MetricsRead), at("GET", "/api/v2/things/{id}", "getThing"), func(_ context.Context, _ queryserver.Call, input *idInput) (*thingOutput, error) {
			return &thingOutput{thing{Name: input.ID.String()}}, nil
		}),
		JSON(Requires(queryserver.DashboardsWrite), at("DELETE", "/api/v2/things/{id}", "deleteThing"), func(context.Context, queryserver.Call, *idInput) (*struct{}, error) { return nil, nil }), //nolint:nilnil // 204
		JSON(Authenticated(), at("GET", "/api/v2/me", "me"), whoCalls),
		JSON(Public(), at("GET", "/api/v2/anybody", "anybody"), whoCalls),
		JSON(Public(), at("POST", "/api/v2/login", "login"), echoThing),
		JSON(Public(), at("GET", "/api/v2/fail/{kind}", "fail"), fail),
		JSON(Public(), at("GET", "/api/v2/slow", "slow"), f.slow),
		JSON(Public(), at("POST", "/api/v2/slow", "slowWrite"), func(ctx context.Context, call queryserver.Call, _ *thingInput) (*struct{}, error) {
			return f.slow(ctx, call, nil)
		}),
		Raw(Public(), Operation{Method: "POST", Path: "/half/{way}"}, func(w http.ResponseWriter, r *http.Request, _ queryserver.Call) error {
			if r.PathValue("way") == "unbegun" {
				return queryserver.Errorf(queryserver.Conflict, "not now")
			}
			if r.PathValue("way") == "slow" {
				_, err := io.Copy(io.Discard, r.Body)
				if err == nil {
					_, err = f.slow(r.Context(), queryserver.Call{}, nil)
				}
				return err
			}
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			if r.PathValue("way") == "panic" {
				panic(causeSecret)
			}
			return errors.New(causeSecret)
		}),
		Raw(Requires(queryserver.AuditRead), Operation{Method: "GET", Path: "/page"}, func(w http.ResponseWriter, _ *http.Request, _ queryserver.Call) error {
			_, err := io.WriteString(w, "page")
			return err
		}),
	}
}

func listThings(ctx context.Context, _ queryserver.Call, input *listInput) (*List[thing], error) {
	var after int
	if _, err := input.After(ctx, &after); err != nil {
		return nil, err
	}
	var rows []thing
	for n := after + 1; n <= 450 && len(rows) <= input.Limit; n++ {
		rows = append(rows, thing{Name: "thing", Count: n})
	}
	return NewList(ctx, input.Page, rows, func(row thing) any { return row.Count })
}

func echoThing(_ context.Context, _ queryserver.Call, input *thingInput) (*thingOutput, error) {
	input.Body.Password = ""
	return &thingOutput{input.Body}, nil
}

func whoCalls(_ context.Context, call queryserver.Call, _ *struct{}) (*whoOutput, error) {
	return &whoOutput{who{call.Subject.ID, call.Scope.Organization().String(), call.Client.IP.String(), call.Client.UserAgent, call.Client.RequestID}}, nil
}

const causeSecret = "cause-of-s3cret"

func fail(_ context.Context, _ queryserver.Call, input *kindInput) (*struct{}, error) {
	switch input.Kind {
	case "unknown":
		return nil, errors.New(causeSecret)
	case "runtime":
		var things []thing
		_ = things[len(input.Kind)]
	case "panic":
		panic("with " + causeSecret)
	}
	return nil, &queryserver.Error{
		Code: queryserver.Code(input.Kind), Message: "the message", RetryAfter: 2500 * time.Millisecond,
		Fields: []queryserver.FieldError{{Location: "body.name", Message: "the field"}}, Cause: errors.New(causeSecret),
	}
}

func (f *fixture) slow(ctx context.Context, _ queryserver.Call, _ *struct{}) (*struct{}, error) {
	f.entered <- struct{}{}
	select {
	case <-f.release:
		return nil, nil //nolint:nilnil // 204
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// answer is a response that has been read.
type answer struct {
	*http.Response
	body string
}

func (a answer) problem(t *testing.T) Problem {
	t.Helper()
	require.Equal(t, problemType, a.Header.Get("Content-Type"), a.body)
	var p Problem
	require.NoError(t, json.Unmarshal([]byte(a.body), &p))
	require.Equal(t, a.StatusCode, p.Status)
	require.Equal(t, "urn:request:"+a.Header.Get("X-Request-Id"), p.Instance)
	return p
}

// send sends a request with headers "Name: value". A body makes it JSON.
func (f *fixture) send(t *testing.T, method, target, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, f.url+target, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		if name == "Content-Type" {
			r.Header.Set(name, value)
			continue
		}
		r.Header.Add(name, value)
	}
	return do(t, http.DefaultTransport, r)
}

func do(t *testing.T, transport http.RoundTripper, r *http.Request) answer {
	t.Helper()
	response, err := transport.RoundTrip(r)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response, string(text)}
}

func (f *fixture) get(t *testing.T, target string, headers ...string) answer {
	t.Helper()
	return f.send(t, http.MethodGet, target, "", headers...)
}

// raw sends bytes and reads what comes until the server closes.
func (f *fixture) raw(t *testing.T, text string) string {
	t.Helper()
	connection, err := net.Dial("tcp", f.PublicAddr().String())
	require.NoError(t, err)
	defer connection.Close()
	_, err = io.WriteString(connection, text)
	require.NoError(t, err)
	require.NoError(t, connection.SetReadDeadline(time.Now().Add(20*time.Second)))
	got, err := io.ReadAll(connection)
	require.NoError(t, err)
	return string(got)
}

func as(token string) string { return "Authorization: Bearer " + token }
