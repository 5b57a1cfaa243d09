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

// refusal is an answer that OTLP clients repeat (OTLP 1.11, Failures), and why it was
// given. Its text says nothing of the cause, which is in the log.
type refusal struct {
	answer *status.Status
	reason string
}

func (r *refusal) Error() string              { return r.answer.Message() }
func (r *refusal) GRPCStatus() *status.Status { return r.answer }

// refuse asks the client to come back. Without RetryInfo it would drop its data.
func refuse(code codes.Code, reason, message string) error {
	answer := status.New(code, message)
	if detailed, err := answer.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(retryAfter)}); err == nil {
		answer = detailed
	}
	return &refusal{answer, reason}
}

func errNotStoredYet() error {
	return refuse(codes.Unavailable, reasonUnavailable, "the data could not be stored in time; send it again")
}

func errLeft() error {
	return refuse(codes.Unavailable, reasonLeft, "the data could not be stored in time; send it again")
}

func errFull() error {
	return refuse(codes.Unavailable, reasonFull, "too much data waits to be stored; send it again later")
}

func errShuttingDown() error {
	return refuse(codes.Unavailable, reasonUnavailable, "the collector is shutting down; send it again")
}

// errShare is for a tenant that would take what is left from the others.
func errShare() error {
	return refuse(codes.ResourceExhausted, reasonShare, "too much of the tenant's data waits to be stored; send it again later")
}

// errRefused is for rows that ClickHouse will never take.
func errRefused() error {
	return consumererror.NewPermanent(status.Error(codes.InvalidArgument, "the data cannot be stored"))
}

// errUnstamped is for a pipeline that was put together wrongly; no client can help.
func errUnstamped() error {
	return consumererror.NewPermanent(status.Error(codes.Internal, "the collector is misconfigured; its log says how"))
}
