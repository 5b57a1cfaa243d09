package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
)

// Resolver looks up the TXT records of a name, as net.Resolver does.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// NewResolver asks a name server at host:port; with "", those of the system.
func NewResolver(server string) *net.Resolver {
	if server == "" {
		return net.DefaultResolver
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server)
	}}
}

const (
	recordPrefix  = "_telemetryflow-challenge."
	recordValue   = "telemetryflow-verification="
	maxDomain     = 253 - len(recordPrefix) // RFC 1035 section 2.3.4: of the record's name
	dnsTimeout    = 5 * time.Second         // a person waits
	dnsRetryAfter = 10 * time.Second
)

// publicMail are domains in which everybody can have an address, so that none of an
// organization's own (docs/sso.md).
var publicMail = []string{
	"126.com", "163.com", "aol.com", "duck.com", "fastmail.com", "gmail.com", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hey.com",
	"hotmail.com", "icloud.com", "live.com", "mac.com", "mail.com", "mail.ru", "me.com", "msn.com", "outlook.com", "pm.me", "proton.me",
	"protonmail.com", "qq.com", "t-online.de", "tuta.com", "tutanota.com", "web.de", "yahoo.com", "yandex.com", "yandex.ru", "ymail.com", "zoho.com",
}

// domainOf is the form in which a domain is kept; Invalid when nobody owns it alone.
func domainOf(text string) (string, error) {
	profile := idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))
	domain, err := profile.ToASCII(strings.TrimSuffix(strings.TrimSpace(text), "."))
	if err != nil || len(domain) > maxDomain || !strings.Contains(domain, ".") || net.ParseIP(domain) != nil {
		return "", invalidField("domain", "must be a domain such as example.com")
	}
	if _, err := publicsuffix.EffectiveTLDPlusOne(domain); err != nil || slices.Contains(publicMail, domain) {
		return "", invalidField("domain", "must not be a domain in which everybody can have an address")
	}
	return domain, nil
}

// Domains are those that the organization of a call has proved, or set out to.
func (s *Service) Domains(ctx context.Context, call *queryserver.Call) ([]queryserver.Domain, error) {
	all, err := s.Store.Domains(ctx, call)
	for i := range all {
		all[i].Record = recordPrefix + all[i].Domain
	}
	return all, err
}

// AddDomain begins the proof that a domain is the organization's: by a TXT record that
// only its owner can publish.
func (s *Service) AddDomain(ctx context.Context, call *queryserver.Call, name string) (domain queryserver.Domain, err error) {
	if domain.Domain, err = domainOf(name); err != nil {
		return domain, err
	}
	domain.Record = recordPrefix + domain.Domain
	domain.Challenge = recordValue + token.New(token.DomainProof).Reveal()
	return domain, s.Store.CreateDomain(ctx, call, &domain)
}

// VerifyDomain looks for the record. Conflict: it is not there, or the domain is another
// organization's.
func (s *Service) VerifyDomain(ctx context.Context, call *queryserver.Call, name string) (domain queryserver.Domain, err error) {
	if domain, err = s.Store.Domain(ctx, call, strings.ToLower(name)); err != nil {
		return domain, err
	}
	domain.Record = recordPrefix + domain.Domain
	if domain.VerifiedAt != nil {
		return domain, nil
	}
	asking, cancel := context.WithTimeout(ctx, dnsTimeout)
	defer cancel()
	records, err := s.Resolver.LookupTXT(asking, domain.Record+".")
	var failure *net.DNSError
	if err != nil && (!errors.As(err, &failure) || !failure.IsNotFound) {
		return domain, &queryserver.Error{Code: queryserver.Unavailable, Message: "The domain's name servers do not answer.", RetryAfter: dnsRetryAfter, Cause: err}
	}
	published := slices.ContainsFunc(records, func(record string) bool {
		return subtle.ConstantTimeCompare([]byte(record), []byte(domain.Challenge)) == 1
	})
	if !published {
		return domain, queryserver.Errorf(queryserver.Conflict, "The record is not there yet: publish it, and try again once name servers know it.")
	}
	if err := s.Store.VerifyDomain(ctx, call, &domain); err != nil {
		return domain, err
	}
	now := s.Now()
	domain.VerifiedAt = &now
	return domain, nil
}

// DeleteDomain ends what the domain lets in. Users who came by it stay.
func (s *Service) DeleteDomain(ctx context.Context, call *queryserver.Call, name string) error {
	return s.Store.DeleteDomain(ctx, call, strings.ToLower(name))
}
