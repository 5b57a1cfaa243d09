package tenantclickhouseexporter

import (
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// retryAfter is when a client should send again what was not stored: long enough
// for a restart of ClickHouse to be over, short against clients' patience.
const retryAfter = 5 * time.Second

// unavailable is an answer that OTLP clients repeat (OTLP 1.11, Failures). It says
// nothing of the cause, which is in the log.
func unavailable(message string) error {
	withDelay, err := status.New(codes.Unavailable, message).WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(retryAfter)})
	if err != nil {
		return status.Error(codes.Unavailable, message)
	}
	return withDelay.Err()
}

func errNotStoredYet() error {
	return unavailable("the data could not be stored in time; send it again")
}
func errFull() error         { return unavailable("too much data waits to be stored; send it again later") }
func errShuttingDown() error { return unavailable("the collector is shutting down; send it again") }

// errRefused is for rows that ClickHouse will never take.
func errRefused() error {
	return consumererror.NewPermanent(status.Error(codes.InvalidArgument, "the data cannot be stored"))
}

// errUnstamped is for a pipeline that was put together wrongly; no client can help.
func errUnstamped() error {
	return consumererror.NewPermanent(status.Error(codes.Internal, "the collector is misconfigured; its log says how"))
}
