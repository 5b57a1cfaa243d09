package auth_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"flag"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/totp"
)

// onceRounds is how often each is tried; `make hammer` has a hundred rounds.
var onceRounds = flag.Int("once.rounds", 1, "rounds of a hundred tries at once, for everything that counts once")

// tries at once, in each round.
const tries = 100

// once is everything that counts once, by its name: what prepares a round and gives the
// i-th try, which says whether it succeeded.
var once = map[string]func(w *world, t *testing.T) func(ctx context.Context, i int) bool{
	"a step of a TOTP":   (*world).onceTOTP,
	"a recovery code":    (*world).onceRecoveryCode,
	"an MFA challenge":   (*world).onceChallenge,
	"a password's reset": (*world).onceReset,
	"the set-up link":    (*world).onceSetup,
	"an invitation":      (*world).onceInvitation,
	"a code of SSO":      (*world).onceSSOCode,
}

// ASVS 6.5.1, 15.4.2: used a hundred times at once, each has exactly one success.
func TestOnce_ASVS_15_4_2(t *testing.T) {
	t.Parallel()
	for name, prepare := range once {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, nil)
			for round := range *onceRounds {
				w.sql(t, "DELETE FROM login_failures")
				try := prepare(w, t)
				require.Equal(t, 1, w.hammer(t, try), "round %d", round+1)
			}
			t.Logf("%d rounds of %d tries, one success in each", *onceRounds, tries)
		})
	}
}

// hammer makes a hundred tries at once, and says how many succeeded.
func (w *world) hammer(t *testing.T, try func(ctx context.Context, i int) bool) int {
	t.Helper()
	var next atomic.Int64
	return atOnce(t.Context(), tries, func(ctx context.Context) bool { return try(ctx, int(next.Add(1)-1)) })
}

// sql changes what no program may change, as the superuser.
func (w *world) sql(t *testing.T, statement string, arguments ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), w.database.AdminURL)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) }()
	_, err = conn.Exec(t.Context(), statement, arguments...)
	require.NoError(t, err)
}

// challenge is a login whose password was right.
func (w *world) challenge(t *testing.T) string {
	t.Helper()
	temporary := token.New(token.Challenge)
	require.NoError(t, w.store.BeginChallenge(t.Context(), queryserver.Hash(temporary.Hash()),
		queryserver.Challenge{UserRef: w.user, Methods: []string{"pwd"}}, time.Now().Add(time.Minute)))
	return temporary.Reveal()
}

func (w *world) challenges(t *testing.T) (all [tries]string) {
	t.Helper()
	for i := range all {
		all[i] = w.challenge(t)
	}
	return all
}

func (w *world) validate(ctx context.Context, challenge, code string) bool {
	_, err := w.ValidateMFA(ctx, queryserver.SecondFactor{Temporary: challenge, Code: code, Client: client})
	return err == nil
}

// seeded sets up a new second factor, of which no code was used.
func (w *world) seeded(t *testing.T) string {
	t.Helper()
	w.sql(t, "UPDATE user_credentials SET totp_secret = NULL, totp_confirmed_at = NULL, totp_last_step = 0")
	seed, _ := w.enroll(t)
	return seed
}

// recoverable gives a user new recovery codes.
func (w *world) recoverable(t *testing.T) (shown []string) {
	t.Helper()
	var hashes []string
	for _, code := range totp.NewRecoveryCodes() {
		hash := code.Hash()
		shown, hashes = append(shown, code.Reveal()), append(hashes, hex.EncodeToString(hash[:]))
	}
	require.NoError(t, w.store.SetRecoveryCodes(t.Context(), client, w.user, hashes))
	return shown
}

func (w *world) onceTOTP(t *testing.T) func(context.Context, int) bool {
	code, challenges := w.code(t, w.seeded(t)), w.challenges(t)
	return func(ctx context.Context, i int) bool { return w.validate(ctx, challenges[i], code) }
}

func (w *world) onceRecoveryCode(t *testing.T) func(context.Context, int) bool {
	code, challenges := w.recoverable(t)[0], w.challenges(t)
	return func(ctx context.Context, i int) bool { return w.validate(ctx, challenges[i], code) }
}

// onceChallenge tries one challenge with different codes, of which each is right.
func (w *world) onceChallenge(t *testing.T) func(context.Context, int) bool {
	w.seeded(t)
	codes, challenge := w.recoverable(t), w.challenge(t)
	return func(ctx context.Context, i int) bool { return w.validate(ctx, challenge, codes[i%len(codes)]) }
}

func (w *world) onceReset(t *testing.T) func(context.Context, int) bool {
	link := token.New(token.Reset)
	require.NoError(t, w.store.BeginReset(t.Context(), queryserver.Subject{Kind: queryserver.UserSubject, ID: w.user.User.String()}, client, w.user, queryserver.Hash(link.Hash()), time.Now().Add(time.Minute), 0))
	return func(ctx context.Context, i int) bool {
		return w.FinishReset(ctx, link.Reveal(), fmt.Sprintf("a lighthouse at noon %d", i), client) == nil
	}
}

func (w *world) onceSetup(t *testing.T) func(context.Context, int) bool {
	w.sql(t, "UPDATE users SET is_enabled = FALSE") // nobody can log in
	link, err := w.OfferSetup(t.Context())
	require.NoError(t, err)
	require.Contains(t, link, "/setup/")
	code := link[len("https://telemetry.example.com/setup/"):]
	return func(ctx context.Context, i int) bool {
		_, err := w.FinishSetup(ctx, code, secret, queryserver.FirstUser{Email: fmt.Sprintf("%d-%d@example.com", time.Now().UnixNano(), i)}, client)
		return err == nil
	}
}

func (w *world) onceInvitation(t *testing.T) func(context.Context, int) bool {
	code := token.New(token.Invitation)
	invitation := queryserver.Invitation{
		Email: code.Reveal()[4:24] + "@example.com", InvitedBy: w.user.User, ExpiresAt: time.Now().Add(time.Minute),
		Roles: []queryserver.Assignment{{Role: queryserver.RoleViewer, Tenant: w.tenant.Tenant}},
	}
	call := &queryserver.Call{
		Subject: queryserver.Subject{Kind: queryserver.UserSubject, ID: w.user.User.String()}, Client: client,
		Scope: queryserver.NewScope(w.organization, w.tenant, nil),
	}
	require.NoError(t, w.store.Invite(t.Context(), call, &invitation, queryserver.Hash(code.Hash())))
	return func(ctx context.Context, _ int) bool {
		_, err := w.AcceptInvitation(ctx, queryserver.Acceptance{Code: code.Reveal(), Password: secret, Client: client})
		return err == nil
	}
}

func (w *world) onceSSOCode(t *testing.T) func(context.Context, int) bool {
	const verifier = "what only the program knows that has begun the login"
	code, sum := token.New(token.LoginCode), sha256.Sum256([]byte(verifier))
	require.NoError(t, w.store.KeepSSOCode(t.Context(), queryserver.Hash(code.Hash()), &queryserver.SSOCode{
		UserRef: w.user, Methods: []string{"sso"}, Challenge: base64.RawURLEncoding.EncodeToString(sum[:]),
	}, time.Now().Add(time.Minute)))
	return func(ctx context.Context, _ int) bool {
		_, err := w.ExchangeSSO(ctx, code.Reveal(), verifier, "", client)
		return err == nil
	}
}

// ASVS 10.4.5: a hundred exchanges of one refresh token at once leave one family, and a
// use after the grace ends it, with an entry of the audit trail.
func TestOnce_ASVS_10_4_5_Refresh(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	for round := range *onceRounds {
		session := w.in(t)
		var successors [tries]string
		require.Equal(t, tries, w.hammer(t, func(ctx context.Context, i int) bool {
			opened, err := w.Refresh(ctx, session.Tokens.Refresh, client)
			if err == nil {
				successors[i] = opened.Tokens.Refresh
			}
			return err == nil
		}), "whoever repeats the call within the grace gets an answer")
		for _, successor := range successors {
			require.Equal(t, successors[0], successor, "round %d", round+1)
		}
		w.call(t, session)

		w.sql(t, "UPDATE refresh_tokens SET used_at = used_at - interval '1 minute' WHERE used_at IS NOT NULL")
		require.Zero(t, w.hammer(t, func(ctx context.Context, _ int) bool {
			_, err := w.Refresh(ctx, session.Tokens.Refresh, client)
			return err == nil
		}))
		_, err := w.Refresh(t.Context(), successors[0], client)
		requireCode(t, queryserver.Unauthenticated, err)
		_, err = w.ByAccessToken(t.Context(), session.Tokens.Access, client)
		requireCode(t, queryserver.Unauthenticated, err)
		require.NotZero(t, w.audited(t, "session.refresh_reused", session.ID.String()))
	}
	t.Logf("%d rounds of %d tries, one family in each", *onceRounds, tries)
}

// audited counts entries of the audit trail.
func (w *world) audited(t *testing.T, action, subject string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), w.database.AdminURL)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) }()
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM audit_logs WHERE action = $1 AND subject = $2", action, subject).Scan(&n))
	return n
}
