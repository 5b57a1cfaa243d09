package auth

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/seal"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/totp"
)

// ValidateMFA ends a login with its second factor. A challenge takes a few tries, and
// failures count as those of the password do.
func (s *Service) ValidateMFA(ctx context.Context, factor queryserver.SecondFactor) (*queryserver.OpenedSession, error) {
	began := time.Now() // of the machine: it is awaited
	challenge, hash, err := s.challenge(ctx, factor.Temporary)
	if err != nil {
		return nil, err
	}
	if challenge.Enroll {
		return nil, queryserver.Errorf(queryserver.Forbidden, "The organization demands a second factor: set one up first.")
	}
	lock, err := s.Store.LockOf(ctx, challenge.Account, challenge.Device)
	if err != nil {
		return nil, err
	}
	method := ""
	if !lock.Locked(s.Now()) {
		if method, err = s.check(ctx, challenge.UserRef, hash, factor.Code); err != nil {
			return nil, err
		}
	}
	if method == "" {
		err := s.refuse(ctx, failure{
			account: challenge.Account, device: challenge.Device, user: challenge.UserRef, exists: true,
			locked: lock.Locked(s.Now()), client: factor.Client, factor: "code",
		})
		s.Hasher.AwaitRefusal(ctx, began)
		return nil, err
	}
	methods := append(slices.Clone(challenge.Methods), method, methodMFA)
	return s.open(ctx, challenge.UserRef, opening{factor.Client, factor.Device, factor.Cookie, methods, challenge.Account})
}

// challenge takes one of the tries of a challenge.
func (s *Service) challenge(ctx context.Context, temporary string) (challenge queryserver.Challenge, hash queryserver.Hash, err error) {
	presented, err := token.Parse(token.Challenge, temporary)
	if err != nil {
		return challenge, hash, errChallengeOver()
	}
	hash = queryserver.Hash(presented.Hash())
	challenge, err = s.Store.TryChallenge(ctx, hash, s.settings.ChallengeTries)
	if is(err, queryserver.NotFound) {
		return challenge, hash, errChallengeOver()
	}
	return challenge, hash, err
}

func errChallengeOver() error {
	return queryserver.Errorf(queryserver.Unauthenticated, "The login has expired or was tried too often: begin again.")
}

// check takes a code for a challenge, and names the method; empty is a wrong code.
func (s *Service) check(ctx context.Context, user queryserver.UserRef, challenge queryserver.Hash, code string) (method string, err error) {
	if recovery, err := totp.ParseRecoveryCode(code); err == nil {
		number, err := s.findRecoveryCode(ctx, user, recovery)
		if err != nil || number == 0 {
			return "", err
		}
		passed, err := s.Store.PassRecoveryCode(ctx, user, challenge, number)
		if !passed {
			return "", unlessOver(err)
		}
		return methodRecovery, nil
	}
	step, ok, err := s.match(ctx, user, code)
	if err != nil || !ok {
		return "", err
	}
	passed, err := s.Store.PassTOTP(ctx, user, challenge, step)
	if !passed {
		return "", unlessOver(err)
	}
	return methodCode, nil
}

// unlessOver makes a wrong code of a challenge that somebody else has passed meanwhile.
func unlessOver(err error) error {
	if is(err, queryserver.NotFound) {
		return nil
	}
	return err
}

// findRecoveryCode is the number of a recovery code that is left; 0: it is none. It looks
// at all of them, in constant time.
func (s *Service) findRecoveryCode(ctx context.Context, user queryserver.UserRef, code totp.RecoveryCode) (number int, err error) {
	hashes, err := s.Store.RecoveryCodes(ctx, user)
	given := recoveryHash(code)
	for n, hash := range hashes {
		if subtle.ConstantTimeCompare([]byte(hash), []byte(given)) == 1 {
			number = n
		}
	}
	return number, err
}

func recoveryHash(code totp.RecoveryCode) string {
	hash := code.Hash()
	return hex.EncodeToString(hash[:])
}

func secretRow(user queryserver.UserRef) seal.Row {
	return seal.Row{Table: "user_credentials", Column: "totp_secret", ID: user.User.String()}
}

// match compares a code with a user's secret, confirmed or not.
func (s *Service) match(ctx context.Context, user queryserver.UserRef, code string) (step int64, ok bool, err error) {
	credentials, err := s.Store.Credentials(ctx, user)
	if err != nil || credentials.TOTPSecret == nil {
		return 0, false, err
	}
	seed, err := s.Sealer.Open(string(credentials.TOTPSecret), secretRow(user))
	if err != nil {
		return 0, false, err
	}
	secret, err := totp.FromBytes(seed)
	if err != nil {
		return 0, false, err
	}
	step, ok = secret.Match(code, s.Now(), credentials.LastStep)
	return step, ok, nil
}

// qrPixels is the width of a QR code that phones read from a screen.
const qrPixels = 256

// BeginMFA makes a secret for a user, which counts once a code of it was seen.
func (s *Service) BeginMFA(ctx context.Context, ref queryserver.UserRef) (*queryserver.Enrollment, error) {
	user, err := s.Store.User(ctx, ref)
	if err != nil {
		return nil, err
	}
	secret := totp.New()
	if err := s.Store.SetTOTP(ctx, ref, []byte(s.Sealer.Seal(secret.Bytes(), secretRow(ref)))); err != nil {
		return nil, err
	}
	uri := secret.URI(s.settings.Issuer, user.Email)
	png, err := totp.QR(uri, qrPixels)
	return &queryserver.Enrollment{Secret: secret.Text(), URI: uri, PNG: png}, err
}

// ConfirmMFA makes a second factor count, and gives its recovery codes: the only time
// that they are shown.
func (s *Service) ConfirmMFA(ctx context.Context, user queryserver.UserRef, code string, client queryserver.Client) ([]string, error) {
	step, ok, err := s.match(ctx, user, code)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, queryserver.Errorf(queryserver.Invalid, "The code is wrong. Is the clock of the device right?")
	}
	shown, hashes := newRecoveryCodes()
	if err := s.Store.ConfirmTOTP(ctx, client, user, step, hashes); err != nil {
		return nil, err
	}
	s.changed(user)
	s.tellUser(ctx, user, queryserver.CredentialLetter{Changed: "your second factor", At: s.Now(), Client: client})
	return shown, nil
}

func newRecoveryCodes() (shown, hashes []string) {
	for _, code := range totp.NewRecoveryCodes() {
		shown = append(shown, code.Reveal())
		hashes = append(hashes, recoveryHash(code))
	}
	return shown, hashes
}
