package queryserver

import (
	"errors"
	"fmt"
	"time"
)

// Code is the kind of an error. One place turns it into a status.
type Code string

// The kinds of errors. Not being allowed to see a thing is NotFound; Forbidden is for
// an action on what the caller may see.
const (
	Invalid         Code = "invalid"         // the request must change
	Unauthenticated Code = "unauthenticated" // who calls is not proved
	Forbidden       Code = "forbidden"
	NotFound        Code = "not_found"
	Conflict        Code = "conflict"    // with what exists, or with a change in between
	TooMany         Code = "too_many"    // again later
	Unavailable     Code = "unavailable" // something that is needed is down
	Internal        Code = "internal"
)

// Error is what went wrong, in words for the caller. The cause is for the log only.
type Error struct {
	Code    Code
	Message string
	// Fields says what is wrong with parts of an Invalid request.
	Fields []FieldError
	// RetryAfter is when to try again, of TooMany and Unavailable.
	RetryAfter time.Duration
	Cause      error
}

// FieldError is what is wrong with one field.
type FieldError struct {
	Location string // such as body.email
	Message  string
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Cause)
	}
	return string(e.Code) + ": " + e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Errorf makes an error without a cause.
func Errorf(code Code, format string, arguments ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, arguments...)}
}

// CodeOf is the code of an error; of one that has none, Internal.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}
