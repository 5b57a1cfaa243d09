package sso

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// expectation is what an ID token must fit to.
type expectation struct {
	provider    *Provider
	metadata    *metadata
	pending     *Pending
	nonce       string
	accessToken string
	now         time.Time
}

// check makes the checks of OpenID Connect Core section 3.1.3.7 that come after the
// signature, the algorithm, the audience and a fixed issuer.
func (e *expectation) check(token *idToken) error {
	checks := []func(*idToken) error{
		e.checkParty, e.checkTimes, e.checkNonce, e.checkAccessToken, e.checkAge, e.checkDomain, e.checkDirectory,
	}
	for _, check := range checks {
		if err := check(token); err != nil {
			return err
		}
	}
	if !validSubject(token.Subject) {
		return errors.New("the ID token has no subject, or one that is none")
	}
	return nil
}

// checkParty refuses tokens for somebody else that also name us (ASVS 10.5.4).
func (e *expectation) checkParty(token *idToken) error {
	party, named := token.claims["azp"]
	switch {
	case named && token.claims.text("azp") != e.provider.ClientID:
		return fmt.Errorf("the ID token is made for %s", party)
	case !named && len(token.Audience) > 1:
		return errors.New("the ID token has several audiences and does not say which it is made for")
	}
	return nil
}

// checkTimes wants a token that is valid now and was made for this login (ASVS 9.2.1).
func (e *expectation) checkTimes(token *idToken) error {
	notBefore, set := token.claims.instant("nbf")
	switch {
	case !e.now.Add(-skew).Before(token.Expiry):
		return errors.New("the ID token has expired")
	case token.IssuedAt.After(e.now.Add(skew)):
		return errors.New("the ID token was issued in the future")
	case token.IssuedAt.Before(e.pending.Begun.Add(-skew)):
		return errors.New("the ID token was issued before the login began")
	case set && notBefore.After(e.now.Add(skew)), !set && token.claims["nbf"] != nil:
		return errors.New("the ID token is not valid yet")
	}
	return nil
}

// checkNonce refuses a token of another login (ASVS 10.5.1).
func (e *expectation) checkNonce(token *idToken) error {
	if !same(token.Nonce, e.nonce) {
		return errors.New("the nonce is not that of this login")
	}
	return nil
}

// checkAccessToken binds the access token, with which userinfo is asked, to the user.
func (e *expectation) checkAccessToken(token *idToken) error {
	if token.claims["at_hash"] == nil {
		return nil
	}
	return token.VerifyAccessToken(e.accessToken)
}

// checkAge wants the max_age that was asked for.
func (e *expectation) checkAge(token *idToken) error {
	text, asked := e.provider.Parameters["max_age"]
	if !asked {
		return nil
	}
	most, err := seconds(text)
	if err != nil {
		return err
	}
	proved, told := token.claims.instant("auth_time")
	if !told || e.now.Sub(proved) > most+skew {
		return errors.New("the user has proved himself longer ago than max_age")
	}
	return nil
}

// checkDomain wants the hd that was asked for, which a user can take out of the
// request.
func (e *expectation) checkDomain(token *idToken) error {
	wanted, asked := e.provider.Parameters["hd"]
	domain := token.claims.text("hd")
	if asked && (domain == "" || wanted != "*" && domain != wanted) {
		return errors.New("the account is not of the domain that hd asks for")
	}
	return nil
}

// checkDirectory is for Entra: the directory must be an allowed one, and the issuer
// that directory's (ASVS 6.8.1). The object id must be there, which is the subject.
func (e *expectation) checkDirectory(token *idToken) error {
	if e.provider.Kind != Entra {
		return nil
	}
	id := token.claims.text("tid")
	switch {
	case !guidPattern.MatchString(id) || !guidPattern.MatchString(token.claims.text("oid")):
		return errors.New("the ID token names no directory or no object: the scope profile brings them")
	case token.Issuer != fillTemplate(e.metadata.issuer, id) || directory(token.Issuer) != id:
		return errors.New("the ID token's issuer is not its directory's")
	case len(e.provider.Directories) > 0 && !slices.Contains(e.provider.Directories, id):
		return errors.New("users of this directory may not log in")
	}
	return nil
}
