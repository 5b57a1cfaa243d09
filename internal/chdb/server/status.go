package server

import (
	"net/http"

	"github.com/telemetryflow/telemetryflow/internal/chdb"
)

// statusOf is ClickHouse's own choice, except for 202, which it answers with
// 500: we say 503, so that every client and proxy knows to come back.
func statusOf(e *chdb.Exception) int {
	switch e.Code {
	case chdb.CodeRequiredPassword:
		return http.StatusUnauthorized
	case chdb.CodeAuthenticationFailed, chdb.CodeUnknownUser:
		return http.StatusForbidden
	case chdb.CodeTooManyQueries:
		return http.StatusServiceUnavailable
	case chdb.CodeTimeoutExceeded, chdb.CodeSocketTimeout:
		return http.StatusRequestTimeout
	case chdb.CodeTooManyBytes, chdb.CodeQueryTooLarge:
		return http.StatusRequestEntityTooLarge
	case chdb.CodeNotImplemented:
		return http.StatusNotImplemented
	case 6, 26, 27, 36, 38, 41, 43, 53, 62, 69, 72, 117, 130, 131, 467,
		chdb.CodeBadRequestParameter, chdb.CodeCannotDecompress, chdb.CodeUnknownCompressMethod:
		return http.StatusBadRequest // what cannot be parsed, and wrong types
	case 16, 46, 47, 50, 56, 60, 73, 81, 115, chdb.CodeSessionNotFound:
		return http.StatusNotFound // unknown columns, tables, functions, formats, settings
	default:
		return http.StatusInternalServerError
	}
}
