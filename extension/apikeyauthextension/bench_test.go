package apikeyauthextension

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

// BenchmarkAuthenticate is the whole path of a warm key with a rate limit, on real
// PostgreSQL and Redis. It prints what one request costs.
func BenchmarkAuthenticate(b *testing.B) {
	bundle := setup(b, testkit.Redis(b).URL)
	credential := bundle.limited(b, 2_000_000_000)
	sources := headers(credential)
	_, err := bundle.extension.Authenticate(b.Context(), sources)
	require.NoError(b, err)
	stats := &bundle.extension.engine.Stats
	argon, reads := stats.Argon2Right.Load(), stats.PostgresReads.Load()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bundle.extension.Authenticate(b.Context(), sources); err != nil {
			b.Fatal(err)
		}
	}
	require.Equal(b, argon, stats.Argon2Right.Load(), "no Argon2id on the warm path")
	require.LessOrEqual(b, stats.PostgresReads.Load()-reads, int64(1), "no round trip but a refresh a minute")
	fmt.Printf("FIGURE auth_warm_us %.2f\n", float64(b.Elapsed().Microseconds())/float64(b.N))
}
