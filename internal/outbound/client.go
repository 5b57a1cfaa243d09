package outbound

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// NewClient makes a client that calls only what the settings allow. It follows no
// redirect: the answer with the redirect is the answer. An answer that is too long
// fails to be read, with ErrTooLong.
func NewClient(settings Settings) (*http.Client, error) {
	if err := settings.Validate(); err != nil {
		return nil, fmt.Errorf("check the settings of outbound calls: %w", err)
	}
	roots, err := settings.roots()
	if err != nil {
		return nil, fmt.Errorf("check the settings of outbound calls: %w", err)
	}
	dialer := &net.Dialer{
		Timeout:        settings.Timeout,
		Resolver:       settings.Resolver,
		ControlContext: guard{allow: settings.Allow, ports: settings.Ports}.control,
	}
	transport := &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    settings.Timeout,
		ResponseHeaderTimeout:  settings.Timeout,
		MaxResponseHeaderBytes: maxHeader,
		MaxConnsPerHost:        maxConnections,
		IdleConnTimeout:        idleTimeout,
	}
	return &http.Client{
		Transport:     checked{next: Bound(transport, settings.MaxBody), ports: settings.Ports},
		Timeout:       settings.Timeout,
		CheckRedirect: StayHere,
	}, nil
}

// StayHere is an http.Client's CheckRedirect that follows none: a redirect would go
// where nobody has agreed to.
func StayHere(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// CheckURL says what is wrong with a URL that somebody wants this server to call, in
// words for him. It looks nothing up: addresses are judged when they are dialled.
func (s *Settings) CheckURL(raw string) error {
	parsed, err := url.Parse(raw)
	if err != nil {
		return errors.New("must be a URL")
	}
	return checkURL(parsed, s.Ports)
}

func checkURL(target *url.URL, ports []uint16) error {
	switch {
	case target.Scheme != "https":
		return errors.New("must begin with https://")
	case target.User != nil:
		return errors.New("must not contain a user or a password")
	case target.Hostname() == "":
		return errors.New("must name a host")
	}
	port := uint64(httpsPort)
	if text := target.Port(); text != "" {
		parsed, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return errors.New("must have a port below 65536")
		}
		port = parsed
	}
	if !slices.Contains(ports, uint16(port)) {
		return fmt.Errorf("must not use port %d", port)
	}
	return nil
}

// checked refuses URLs before anything is looked up.
type checked struct {
	next  http.RoundTripper
	ports []uint16
}

func (c checked) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := checkURL(request.URL, c.ports); err != nil {
		if request.Body != nil {
			request.Body.Close()
		}
		return nil, fmt.Errorf("%w: the URL %w", ErrRefused, err)
	}
	return c.next.RoundTrip(request)
}
