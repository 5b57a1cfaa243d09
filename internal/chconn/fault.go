package chconn

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Fault says what to do about a failed statement.
type Fault int

const (
	// Retryable means that the server cannot do it now. The statement did nothing, unless
	// OutcomeUnknown.
	Retryable Fault = iota
	// Mismatch means that the table is not as the statement expects. It is retried, since a
	// migration heals it, and the operator must be told. It is nobody's data's fault.
	Mismatch
	// Permanent means that the server will never take these rows.
	Permanent
)

// The codes of ClickHouse, src/Common/ErrorCodes.cpp, whose fault is not the
// default: an unknown code is Retryable, since refusing good data is worse than
// trying again.
var faults = map[int32]Fault{
	16:  Mismatch, // NO_SUCH_COLUMN_IN_TABLE
	44:  Mismatch, // ILLEGAL_COLUMN
	47:  Mismatch, // UNKNOWN_IDENTIFIER
	60:  Mismatch, // UNKNOWN_TABLE
	81:  Mismatch, // UNKNOWN_DATABASE
	115: Mismatch, // UNKNOWN_SETTING
	192: Mismatch, // UNKNOWN_USER
	193: Mismatch, // WRONG_PASSWORD
	194: Mismatch, // REQUIRED_PASSWORD
	497: Mismatch, // ACCESS_DENIED
	516: Mismatch, // AUTHENTICATION_FAILED

	6:   Permanent, // CANNOT_PARSE_TEXT
	26:  Permanent, // CANNOT_PARSE_QUOTED_STRING
	27:  Permanent, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
	33:  Permanent, // CANNOT_READ_ALL_DATA
	53:  Permanent, // TYPE_MISMATCH
	69:  Permanent, // ARGUMENT_OUT_OF_BOUND
	72:  Permanent, // CANNOT_PARSE_NUMBER
	117: Permanent, // INCORRECT_DATA
	131: Permanent, // TOO_LARGE_STRING_SIZE
	128: Permanent, // TOO_LARGE_ARRAY_SIZE
	190: Permanent, // SIZES_OF_ARRAYS_DONT_MATCH
	307: Permanent, // TOO_MANY_BYTES
	349: Permanent, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
	396: Permanent, // TOO_MANY_ROWS_OR_BYTES
	469: Permanent, // VIOLATED_CONSTRAINT
}

// tooManyParts is two faults under one code: too many parts in a partition, which
// passes as they merge, and too many partitions in one insert, which never does.
const (
	tooManyParts        = 252
	partitionsPerInsert = "max_partitions_per_insert_block"
)

// Classify says what to do about an error of a statement.
func Classify(err error) Fault {
	var exception *clickhouse.Exception
	if !errors.As(err, &exception) {
		return Retryable
	}
	if exception.Code == tooManyParts {
		if strings.Contains(exception.Message, partitionsPerInsert) {
			return Permanent
		}
		return Retryable
	}
	return faults[exception.Code]
}

// timeouts are the codes with which a server gives up on a statement whose effect
// it cannot tell.
var timeouts = map[int32]bool{
	159: true, // TIMEOUT_EXCEEDED
	209: true, // SOCKET_TIMEOUT
	210: true, // NETWORK_ERROR
	319: true, // UNKNOWN_STATUS_OF_INSERT
	394: true, // QUERY_WAS_CANCELLED
}

// OutcomeUnknown reports whether the statement may have had its effect although it
// failed: the connection broke or the answer did not come. The same statement must
// then be repeated with the same deduplication token.
func OutcomeUnknown(err error) bool {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return timeouts[exception.Code]
	}
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return false
	}
	return !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, clickhouse.ErrAcquireConnTimeout) && !isDNS(err)
}

func isDNS(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns)
}

// Describe names an error for an operator's log: the exception's code and name, or
// the text of what failed.
func Describe(err error) string {
	var exception *clickhouse.Exception
	switch {
	case errors.As(err, &exception):
		return strings.TrimSpace(exception.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	default:
		return err.Error()
	}
}
