package apikey

import (
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// storeRetry is the pause that clients are asked for while the key store cannot
// be reached or verifications queue up: short, because both heal in seconds.
const storeRetry = 2 * time.Second

// ErrUnauthenticated answers every credential that does not hold: absent,
// malformed, unknown, wrong, revoked or expired. It is one constant, so that the
// answer does not tell which.
var ErrUnauthenticated = status.Error(codes.Unauthenticated, "missing or invalid API key")

// ErrUnavailable answers a credential that cannot be judged now. It must not be
// Unauthenticated, which makes OTLP clients drop their data.
var ErrUnavailable = withRetry(codes.Unavailable, "API keys cannot be verified at the moment", storeRetry).Err()
