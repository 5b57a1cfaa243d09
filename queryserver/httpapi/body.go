package httpapi

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

const jsonType = "application/json"

// readBody reads a JSON body whole, within its size and time, and puts back what it has
// read. Of other routes it only bounds the body.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, route *Route) error {
	if r.Header.Get("Content-Encoding") != "" {
		w.Header().Set("Accept-Encoding", "identity") // RFC 9110 section 15.5.16
		return queryserver.Errorf(unsupportedMedia, "bodies must not be compressed")
	}
	limit := s.settings.Limits.BodyBytes
	if own := route.operation.BodyBytes; own > 0 {
		limit = min(limit, own)
	}
	if r.ContentLength > limit {
		return errTooLarge(limit)
	}
	if r.ContentLength == 0 {
		return nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	switch {
	case !route.takesBody || safe(r.Method):
		return queryserver.Errorf(queryserver.Invalid, "this takes no body")
	case !route.json:
		return nil
	}
	if err := requireJSON(r.Header.Get("Content-Type")); err != nil {
		return err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return bodyError(err, limit)
	}
	if err := checkJSON(body); err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.Header.Set("Content-Type", jsonType) // huma knows this spelling only
	return nil
}

func errTooLarge(limit int64) error {
	return queryserver.Errorf(tooLarge, "the body is larger than %d bytes", limit)
}

func bodyError(err error, limit int64) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return errTooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return queryserver.Errorf(requestTimeout, "the body took too long")
	default:
		return queryserver.Errorf(queryserver.Invalid, "the body ended early")
	}
}

func requireJSON(contentType string) error {
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || kind != jsonType || parameters["charset"] != "" && !strings.EqualFold(parameters["charset"], "utf-8") {
		return queryserver.Errorf(unsupportedMedia, "the body must be application/json in UTF-8")
	}
	return nil
}

// accepted is the media type that a caller gets: the first that he accepts. Callers who
// want something else are refused before anything is done for them.
func accepted(accept, kinds []string) (string, error) {
	if len(accept) == 0 {
		return kinds[0], nil
	}
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		kind, parameters, err := mime.ParseMediaType(part)
		switch {
		case err != nil || strings.Trim(parameters["q"], "0.") == "" && parameters["q"] != "":
		case kind == "*/*" || kind == "application/*":
			return kinds[0], nil
		case slices.Contains(kinds, kind):
			return kind, nil
		}
	}
	return "", queryserver.Errorf(notAcceptable, "answers are %s", strings.Join(kinds, " or "))
}
