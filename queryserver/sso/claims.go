package sso

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// claims are those of an ID token or of userinfo. Of the optional ones each provider
// has its own types, so one of a wrong type counts as absent, which never grants
// anything.
type claims map[string]json.RawMessage

// text is a claim that is a string.
func (c claims) text(name string) string {
	var value string
	if json.Unmarshal(c[name], &value) != nil {
		return ""
	}
	return value
}

// truth is a claim that says yes: true, also as a string as AWS writes it, and 1 as
// Entra writes it.
func (c claims) truth(name string) bool {
	switch string(c[name]) {
	case `true`, `"true"`, `1`, `"1"`:
		return true
	}
	return false
}

// list is a claim that is a list of strings, or one string.
func (c claims) list(name string) []string {
	var values []string
	if json.Unmarshal(c[name], &values) == nil {
		return values
	}
	if value := c.text(name); value != "" {
		return []string{value}
	}
	return nil
}

// instant is a claim in seconds since 1970.
func (c claims) instant(name string) (time.Time, bool) {
	var value float64
	if len(c[name]) == 0 || json.Unmarshal(c[name], &value) != nil {
		return time.Time{}, false
	}
	return time.Unix(int64(value), 0), true
}

// seconds reads a duration such as that of max_age.
func seconds(text string) (time.Duration, error) {
	count, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("read seconds: %w", err)
	}
	return time.Duration(count) * time.Second, nil
}
