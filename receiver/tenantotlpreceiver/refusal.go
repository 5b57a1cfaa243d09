package tenantotlpreceiver

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	// defaultRetryDelay is what a client is asked to wait when the component
	// that refused did not say.
	defaultRetryDelay = time.Second
	// maxDetail bounds what a message repeats of a decoder's error, in bytes.
	maxDetail = 200
)

// refusal is the one form of every answer that is not a success: a gRPC status,
// its HTTP status code, and a reason for the metrics. Its text goes to clients.
type refusal struct {
	status *status.Status
	http   int
	reason string
}

func (r *refusal) Error() string              { return r.status.Message() }
func (r *refusal) GRPCStatus() *status.Status { return r.status }

func refuse(code codes.Code, httpCode int, reason, message string) *refusal {
	return &refusal{status: status.New(code, message), http: httpCode, reason: reason}
}

func unknownPath() *refusal {
	return refuse(codes.Unimplemented, http.StatusNotFound, "unknown_path",
		"unknown path: send OTLP to /v1/, /v2/ or /api/v2/otlp/ followed by traces, metrics or logs")
}

func wrongMethod(right string) *refusal {
	return refuse(codes.Unimplemented, http.StatusMethodNotAllowed, "wrong_method", "method not allowed: use "+right)
}

// unknownJob is one answer for every id that tells its caller nothing.
func unknownJob() *refusal {
	return refuse(codes.NotFound, http.StatusNotFound, "unknown_job", "no such job, or it was finished too long ago")
}

func jobsUnavailable() *refusal {
	return refusalOfStatus(status.New(codes.Unavailable, "the job may be another collector's, and those cannot be asked at the moment"), false)
}

func wrongContentType() *refusal {
	return refuse(codes.InvalidArgument, http.StatusUnsupportedMediaType, "wrong_content_type",
		"unsupported Content-Type: use application/x-protobuf or application/json")
}

func wrongContentCoding(accepted string) *refusal {
	return refuse(codes.InvalidArgument, http.StatusUnsupportedMediaType, "wrong_content_encoding",
		"unsupported Content-Encoding: use one of "+accepted)
}

func unauthenticated() *refusal {
	return refuse(codes.Unauthenticated, http.StatusUnauthorized, "unauthenticated", "missing or invalid API key")
}

func forbidden(message string) *refusal {
	return refuse(codes.PermissionDenied, http.StatusForbidden, "permission_denied", message)
}

func tooLarge(message string) *refusal {
	return refuse(codes.ResourceExhausted, http.StatusRequestEntityTooLarge, "too_large", message)
}

func malformed(message string, cause error) *refusal {
	if cause != nil {
		detail := cause.Error()
		message += ": " + detail[:min(len(detail), maxDetail)]
	}
	// A decoder may repeat bytes of the body, and Status holds UTF-8 only.
	return refuse(codes.InvalidArgument, http.StatusBadRequest, "malformed", strings.ToValidUTF8(message, "?"))
}

func bodyTimeout() *refusal {
	return refuse(codes.DeadlineExceeded, http.StatusRequestTimeout, "timeout", "the request body did not arrive in time")
}

func internal() *refusal {
	return refuse(codes.Internal, http.StatusInternalServerError, "internal", "the request could not be processed")
}

// canceled answers a client that has gone; nobody reads it.
func canceled() *refusal {
	return refuse(codes.Canceled, http.StatusServiceUnavailable, "canceled", "the request was canceled")
}

// refusalOfAuth maps an authenticator's error. Only the texts of gRPC status
// errors are meant for clients, and an unauthenticated caller gets one constant
// whatever the authenticator says.
func refusalOfAuth(ctx context.Context, err error) *refusal {
	st := grpcStatus(err)
	switch {
	case ctx.Err() != nil:
		return canceled()
	case st == nil, st.Code() == codes.Unauthenticated:
		return unauthenticated()
	}
	return refusalOfStatus(st, false)
}

// refusalOfPipeline maps an error of the next consumer.
func refusalOfPipeline(ctx context.Context, err error) *refusal {
	permanent := consumererror.IsPermanent(err)
	st := grpcStatus(err)
	switch {
	case ctx.Err() != nil:
		return canceled()
	case st != nil:
		return refusalOfStatus(st, permanent)
	case permanent:
		return internal()
	}
	return refusalOfStatus(status.New(codes.Unavailable, "the data cannot be taken at the moment"), false)
}

// refusalOfStatus gives a status its HTTP code. Refusals that a client may
// repeat always say when: without RetryInfo, OTLP clients drop their data.
func refusalOfStatus(st *status.Status, permanent bool) *refusal {
	st = status.FromProto(st.Proto())
	switch st.Code() {
	case codes.Unauthenticated:
		return &refusal{st, http.StatusUnauthorized, "unauthenticated"}
	case codes.PermissionDenied:
		return &refusal{st, http.StatusForbidden, "permission_denied"}
	case codes.InvalidArgument:
		return &refusal{st, http.StatusBadRequest, "invalid"}
	case codes.ResourceExhausted:
		if permanent {
			return &refusal{st, http.StatusRequestEntityTooLarge, "too_large"}
		}
		return &refusal{withRetryInfo(st), http.StatusTooManyRequests, "rate_limited"}
	case codes.Unavailable, codes.Aborted, codes.Canceled, codes.DeadlineExceeded, codes.OutOfRange, codes.DataLoss:
		if permanent {
			return internal()
		}
		return &refusal{withRetryInfo(st), http.StatusServiceUnavailable, "unavailable"}
	case codes.OK:
		return internal() // an error that claims success
	default:
		return &refusal{st, http.StatusInternalServerError, "internal"}
	}
}

// grpcStatus finds the status error in a chain, and keeps that error's own text:
// status.FromError would publish the texts of everything wrapped around it.
func grpcStatus(err error) *status.Status {
	var carrier interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &carrier) {
		return nil
	}
	return carrier.GRPCStatus()
}

// retryDelay reads the RetryInfo of a status.
func retryDelay(st *status.Status) (time.Duration, bool) {
	for _, detail := range st.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration(), true
		}
	}
	return 0, false
}

func withRetryInfo(st *status.Status) *status.Status {
	if _, ok := retryDelay(st); ok {
		return st
	}
	detailed, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(defaultRetryDelay)})
	if err != nil {
		return st // only an OK status refuses details
	}
	return detailed
}
