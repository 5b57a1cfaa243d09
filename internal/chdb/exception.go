package chdb

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Codes of ClickHouse that this package and its server raise themselves.
const (
	CodeUnsupportedMethod     = 1
	CodeBadArguments          = 36
	CodeNotImplemented        = 48
	CodeSyntaxError           = 62
	CodeUnknownDatabase       = 81
	CodeUnknownSetting        = 115
	CodeTimeoutExceeded       = 159
	CodeTooManyQueries        = 202
	CodeSocketTimeout         = 209
	CodeMemoryLimitExceeded   = 241
	CodeSessionNotFound       = 372
	CodeSessionIsLocked       = 373
	CodeQueryWasCancelled     = 394
	CodeTooManyBytes          = 307
	CodeBadRequestParameter   = 471
	CodeAuthenticationFailed  = 516
	CodeAccessDenied          = 497
	CodeRequiredPassword      = 194
	CodeUnknownUser           = 192
	CodeCannotDecompress      = 271
	CodeUnknownCompressMethod = 89
	CodeAborted               = 236
	CodeReadOnly              = 164
	CodeQueryTooLarge         = 70
	CodeQueryIDInUse          = 216
)

// Exception is an error of the engine, or one of this package's in its form.
type Exception struct { //nolint:errname // ClickHouse's own word
	Code    int
	Name    string // UNKNOWN_TABLE
	Message string // the text between "DB::Exception: " and the name
}

// NewException builds an exception of this package's own.
func NewException(code int, name, format string, args ...any) *Exception {
	return &Exception{Code: code, Name: name, Message: fmt.Sprintf(format, args...)}
}

func (e *Exception) Error() string {
	return fmt.Sprintf("Code: %d. DB::Exception: %s (%s)", e.Code, e.Message, e.Name)
}

var (
	codePattern    = regexp.MustCompile(`^Code: (\d+)\. (?:DB::(?:Net|Parsing)?Exception: )?`)
	namePattern    = regexp.MustCompile(` \(([A-Z][A-Z0-9_]+)\)$`)
	versionPattern = regexp.MustCompile(` \(version [^)]*\)\.?\s*$`)
)

// parseException reads the engine's error text, which repeats the prefix and
// the suffix once for every layer that rethrew it.
func parseException(text string) *Exception {
	e := &Exception{Code: CodeUnsupportedMethod, Name: "UNKNOWN_EXCEPTION"}
	text = strings.TrimSpace(text)
	for {
		match := codePattern.FindStringSubmatch(text)
		if match == nil {
			break
		}
		if code, err := strconv.Atoi(match[1]); err == nil {
			e.Code = code
		}
		text = text[len(match[0]):]
	}
	for {
		trimmed := versionPattern.ReplaceAllString(text, "")
		if match := namePattern.FindStringSubmatchIndex(trimmed); match != nil {
			e.Name = trimmed[match[2]:match[3]]
			trimmed = trimmed[:match[0]]
		}
		if trimmed == text {
			break
		}
		text = trimmed
	}
	e.Message = text
	return e
}
