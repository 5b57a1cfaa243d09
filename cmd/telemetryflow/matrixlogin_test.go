package main

import (
	"time"

	"github.com/pquerna/otp"
	library "github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/token"
)

// nextPassword is what worldPassword is changed to.
const nextPassword = "a lighthouse in summer rain"

// loginProbes are the routes of who is not logged in yet.
func loginProbes() map[string]probe {
	return map[string]probe{
		"POST /api/v2/auth/login": {body: func(c *cell) any { return object{"email": c.email(), "password": worldPassword} }},
		"POST /api/v2/auth/validate-mfa": {body: func(c *cell) any {
			temporary, code := c.challenge(false)
			return object{"tempToken": temporary, "mfaCode": code}
		}},
		"POST /api/v2/auth/mfa/enroll": {body: func(c *cell) any {
			temporary, _ := c.challenge(true)
			return object{"tempToken": temporary}
		}},
		"POST /api/v2/auth/mfa/enroll/confirm": {body: func(c *cell) any {
			temporary, code := c.challenge(true)
			return object{"tempToken": temporary, "mfaCode": code}
		}},
		"POST /api/v2/auth/refresh": {body: func(c *cell) any {
			return object{"refreshToken": c.world.ours.newSession(c.T, c.world.ours.user, time.Hour).refresh}
		}},
		"POST /api/v2/auth/password-reset":         {body: func(c *cell) any { return object{"email": c.email()} }},
		"POST /api/v2/auth/password-reset/confirm": {body: func(c *cell) any { return object{"code": c.resetCode(), "newPassword": nextPassword} }},
		"POST /api/v2/invitations/accept":          {body: func(c *cell) any { return object{"code": c.invitationCode(), "password": nextPassword} }},
	}
}

// email is the address of a user of ours.
func (c *cell) email() string {
	user, err := c.world.store.User(c.Context(), c.world.ours.user)
	require.NoError(c, err)
	return user.Email
}

// code sets up a second factor, and gives a code of it that was not used.
func (c *cell) code(user queryserver.UserRef, confirmed bool) string {
	enrollment, err := c.world.logins.BeginMFA(c.Context(), user)
	require.NoError(c, err)
	at := time.Now()
	code := func() string {
		text, err := library.GenerateCodeCustom(enrollment.Secret, at, library.ValidateOpts{Period: 30, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		require.NoError(c, err)
		return text
	}
	if !confirmed {
		return code()
	}
	_, err = c.world.logins.ConfirmMFA(c.Context(), user, code(), queryserver.Client{})
	require.NoError(c, err)
	at = at.Add(30 * time.Second)
	return code()
}

// challenge is a login that lacks its second factor, or the set-up of one, and the code.
func (c *cell) challenge(enroll bool) (temporary, code string) {
	user := c.world.ours.newUser(c.T, queryserver.RoleViewer)
	code = c.code(user, !enroll)
	made := token.New(token.Challenge)
	of := queryserver.Challenge{UserRef: user, Methods: []string{"pwd"}, Account: queryserver.Hash(made.Hash()), Enroll: enroll}
	require.NoError(c, c.world.store.BeginChallenge(c.Context(), queryserver.Hash(made.Hash()), of, time.Now().Add(time.Minute)))
	return made.Reveal(), code
}

// resetCode is what a link to a new password ends in.
func (c *cell) resetCode() string {
	user := c.world.ours.newUser(c.T, queryserver.RoleViewer)
	made := token.New(token.Reset)
	require.NoError(c, c.world.store.BeginReset(c.Context(), queryserver.Subject{Kind: queryserver.SystemSubject, ID: "test"}, queryserver.Client{}, user, queryserver.Hash(made.Hash()), time.Now().Add(time.Minute), 0))
	return made.Reveal()
}

// invitationCode is what a link into our organization ends in.
func (c *cell) invitationCode() string {
	_, code := c.world.ours.newInvitation(c.T, queryserver.RoleViewer)
	return code
}
