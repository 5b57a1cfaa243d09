package sso

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"golang.org/x/oauth2"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// maxCause bounds what a provider can write to the log with one login.
const maxCause = 300

// refused is for whoever came back and is not proved. All reasons look alike to him.
func refused(cause error) error {
	return &queryserver.Error{Code: queryserver.Unauthenticated, Cause: clipped{cause},
		Message: "The sign-in could not be verified. Start again."}
}

// declined is for the user who cancelled at the provider.
func declined(cause error) error {
	return &queryserver.Error{Code: queryserver.Unauthenticated, Cause: clipped{cause},
		Message: "The sign-in was declined at the identity provider."}
}

// unavailable is for a provider that cannot be reached, or not now.
func unavailable(cause error) error {
	return &queryserver.Error{Code: queryserver.Unavailable, RetryAfter: retryAfter, Cause: clipped{cause},
		Message: "The identity provider cannot be reached. Try again later."}
}

// misconfigured is for a provider that refuses this server, or is not what it is
// configured as: waiting does not help.
func misconfigured(cause error) error {
	return &queryserver.Error{Code: queryserver.Unavailable, Cause: clipped{cause},
		Message: "The identity provider and this server do not agree. An administrator must check the configuration."}
}

// clipped is an error whose text may come from a provider: bounded, and without
// characters that could forge lines of a log.
type clipped struct{ error }

func (c clipped) Error() string { return printable(c.error.Error(), maxCause) }

func (c clipped) Unwrap() error { return c.error }

// statusError is an answer that is not a success. It leaves out what the answer says.
type statusError struct {
	host   string
	status int
}

func (e *statusError) Error() string { return fmt.Sprintf("%s answered %d", e.host, e.status) }

// temporary says whether the provider may answer otherwise later.
func (e *statusError) temporary() bool {
	return e.status >= http.StatusInternalServerError || e.status == http.StatusTooManyRequests || e.status == http.StatusRequestTimeout
}

// callFailed turns the error of a call into what it means for the login.
func callFailed(err error) error {
	var status *statusError
	if errors.As(err, &status) && !status.temporary() {
		return misconfigured(err)
	}
	return unavailable(err)
}

// errorCode is how providers write error codes (RFC 6749 section 4.1.2.1); others are
// not repeated.
var errorCode = regexp.MustCompile(`^[a-z_]{1,64}$`)

func reported(where, code string) error {
	if !errorCode.MatchString(code) {
		code = "an error that is none"
	}
	return fmt.Errorf("%s reports %s", where, code)
}

// authorizationFailed is for a callback with an error.
func authorizationFailed(code string) error {
	cause := reported("the authorization endpoint", code)
	switch code {
	case "access_denied":
		return declined(cause)
	case "login_required", "interaction_required", "consent_required", "account_selection_required":
		return refused(cause)
	case "temporarily_unavailable", "server_error":
		return unavailable(cause)
	}
	return misconfigured(cause)
}

// exchangeFailed is for a code that brought no token.
func exchangeFailed(err error) error {
	var answered *oauth2.RetrieveError
	if !errors.As(err, &answered) {
		return callFailed(err)
	}
	cause := reported("the token endpoint", answered.ErrorCode)
	switch answered.ErrorCode {
	case "invalid_grant", "bad_verification_code":
		return refused(cause)
	case "temporarily_unavailable", "server_error":
		return unavailable(cause)
	}
	return misconfigured(cause)
}
