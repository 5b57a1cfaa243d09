package auth

import (
	"context"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Store keeps what logins need. Each method happens as a whole, with its entry of the
// audit trail, or not at all. A method that finds nothing gives queryserver.NotFound, and
// one that cannot reach the store queryserver.Unavailable.
type Store interface {
	FindLogin(ctx context.Context, email string) (account queryserver.Account, found bool, err error)
	BeginLogin(ctx context.Context, email string, account, device queryserver.Hash) (queryserver.BegunLogin, error)
	LockOf(ctx context.Context, account, device queryserver.Hash) (queryserver.Lock, error)
	NoteFailure(ctx context.Context, account, device queryserver.Hash) (queryserver.Lock, error)
	ClearFailures(ctx context.Context, account queryserver.Hash) error
	KnownDevice(ctx context.Context, user queryserver.UserRef, device queryserver.Hash) (bool, error)
	Rehash(ctx context.Context, user queryserver.UserRef, old, hash string) error

	BeginChallenge(ctx context.Context, token queryserver.Hash, of queryserver.Challenge, expires time.Time) error
	TryChallenge(ctx context.Context, token queryserver.Hash, maxTries int) (queryserver.Challenge, error)
	EndChallenge(ctx context.Context, user queryserver.UserRef, challenge queryserver.Hash) error
	PassTOTP(ctx context.Context, user queryserver.UserRef, challenge queryserver.Hash, step int64) (bool, error)
	PassRecoveryCode(ctx context.Context, user queryserver.UserRef, challenge queryserver.Hash, number int) (bool, error)
	TakeTOTPStep(ctx context.Context, user queryserver.UserRef, step int64) (bool, error)

	Credentials(ctx context.Context, user queryserver.UserRef) (queryserver.Credentials, error)
	SetTOTP(ctx context.Context, user queryserver.UserRef, sealed []byte) error
	ConfirmTOTP(ctx context.Context, client queryserver.Client, user queryserver.UserRef, step int64, codeHashes []string) error
	RemoveTOTP(ctx context.Context, by queryserver.Subject, client queryserver.Client, user queryserver.UserRef) error
	RecoveryCodes(ctx context.Context, user queryserver.UserRef) (map[int]string, error)
	ResetTOTP(ctx context.Context, by queryserver.Subject, client queryserver.Client, user queryserver.UserRef) error
	UseRecoveryCode(ctx context.Context, user queryserver.UserRef, number int) (bool, error)
	SetRecoveryCodes(ctx context.Context, client queryserver.Client, user queryserver.UserRef, codeHashes []string) error
	SetPassword(ctx context.Context, by queryserver.Subject, client queryserver.Client, user queryserver.UserRef, hash string, but tenant.ID) error

	BeginReset(ctx context.Context, by queryserver.Subject, client queryserver.Client, user queryserver.UserRef, token queryserver.Hash, expires time.Time, maxPerHour int) error
	FindReset(ctx context.Context, token queryserver.Hash) (queryserver.UserRef, error)
	FinishReset(ctx context.Context, client queryserver.Client, user queryserver.UserRef, token queryserver.Hash, hash string) error

	Organization(ctx context.Context, call *queryserver.Call) (queryserver.Organization, error)
	Invite(ctx context.Context, call *queryserver.Call, invitation *queryserver.Invitation, token queryserver.Hash) error
	Invitation(ctx context.Context, call *queryserver.Call, id tenant.ID) (queryserver.Invitation, error)
	RenewInvitation(ctx context.Context, call *queryserver.Call, invitation *queryserver.Invitation, token queryserver.Hash) error
	RevokeInvitation(ctx context.Context, call *queryserver.Call, id tenant.ID) error
	FindInvitation(ctx context.Context, token queryserver.Hash) (queryserver.Invited, error)
	AcceptInvitation(ctx context.Context, client queryserver.Client, token queryserver.Hash, displayName, passwordHash string) (queryserver.UserRef, error)

	OpenSession(ctx context.Context, user queryserver.UserRef, session *queryserver.NewSession) (id tenant.ID, newDevice bool, err error)
	Refresh(ctx context.Context, client queryserver.Client, token, next queryserver.Hash, nextExpires time.Time, successor []byte) (queryserver.Refreshed, error)
	SwitchTenant(ctx context.Context, call *queryserver.Call, to tenant.ID) error
	TouchSession(ctx context.Context, user queryserver.UserRef, id tenant.ID) error
	NoteTokenUse(ctx context.Context, organization, token tenant.ID) error
	HasUsers(ctx context.Context) (bool, error)
	OfferSetup(ctx context.Context, token queryserver.Hash, expires time.Time) error
	FinishSetup(ctx context.Context, token queryserver.Hash, first queryserver.FirstUser, passwordHash string) (queryserver.UserRef, error)
	CreateToken(ctx context.Context, call *queryserver.Call, account tenant.ID, token *queryserver.Token, hash queryserver.Hash) error
	Sessions(ctx context.Context, user queryserver.UserRef) ([]queryserver.Session, error)
	EndSession(ctx context.Context, by queryserver.Subject, client queryserver.Client, user queryserver.UserRef, id tenant.ID, why string) error
	EndSessions(ctx context.Context, by queryserver.Subject, client queryserver.Client, user queryserver.UserRef, but tenant.ID, why string) (int, error)

	LoginProviders(ctx context.Context, organization, email string) ([]queryserver.Provider, error)
	LoginProvider(ctx context.Context, id tenant.ID) (queryserver.Provider, error)
	BeginSSO(ctx context.Context, state, browser queryserver.Hash, pending queryserver.PendingSSO, expires time.Time) error
	FinishSSO(ctx context.Context, state, browser queryserver.Hash) (queryserver.PendingSSO, error)
	Account(ctx context.Context, user queryserver.UserRef) (account queryserver.Account, email string, err error)
	FindIdentity(ctx context.Context, provider *queryserver.Provider, identity *queryserver.Identity) (queryserver.UserRef, error)
	UseIdentity(ctx context.Context, client queryserver.Client, user queryserver.UserRef, provider *queryserver.Provider, identity *queryserver.Identity) error
	LinkIdentity(ctx context.Context, client queryserver.Client, user queryserver.UserRef, provider *queryserver.Provider, identity *queryserver.Identity) error
	JoinByInvitation(ctx context.Context, client queryserver.Client, token queryserver.Hash, provider *queryserver.Provider, identity *queryserver.Identity) (queryserver.UserRef, error)
	JoinByDomain(ctx context.Context, client queryserver.Client, organization tenant.ID, provider *queryserver.Provider, identity *queryserver.Identity) (queryserver.UserRef, error)
	Identities(ctx context.Context, user queryserver.UserRef) ([]queryserver.LinkedIdentity, error)
	UnlinkIdentity(ctx context.Context, client queryserver.Client, user queryserver.UserRef, id tenant.ID) error
	KeepSSOCode(ctx context.Context, token queryserver.Hash, of *queryserver.SSOCode, expires time.Time) error
	TakeSSOCode(ctx context.Context, token queryserver.Hash) (queryserver.SSOCode, error)
	KeepSSOLink(ctx context.Context, client queryserver.Client, token queryserver.Hash, link *queryserver.SSOLink) error
	FinishSSOLink(ctx context.Context, client queryserver.Client, token, browser queryserver.Hash) (queryserver.SSOLink, error)
	Providers(ctx context.Context, call *queryserver.Call) ([]queryserver.Provider, error)
	Provider(ctx context.Context, call *queryserver.Call, id tenant.ID) (queryserver.Provider, error)
	CreateProvider(ctx context.Context, call *queryserver.Call, provider *queryserver.Provider) error
	UpdateProvider(ctx context.Context, call *queryserver.Call, provider *queryserver.Provider, read []byte) error
	DeleteProvider(ctx context.Context, call *queryserver.Call, id tenant.ID) error
	OrganizationOfDomain(ctx context.Context, domain string) (tenant.ID, error)
	Domains(ctx context.Context, call *queryserver.Call) ([]queryserver.Domain, error)
	Domain(ctx context.Context, call *queryserver.Call, domain string) (queryserver.Domain, error)
	CreateDomain(ctx context.Context, call *queryserver.Call, domain *queryserver.Domain) error
	VerifyDomain(ctx context.Context, call *queryserver.Call, domain *queryserver.Domain) error
	DeleteDomain(ctx context.Context, call *queryserver.Call, domain string) error

	Audit(ctx context.Context, organization tenant.ID, by queryserver.Subject, client queryserver.Client, action, subject, outcome string, detail map[string]any) error
	queryserver.Authority
}
