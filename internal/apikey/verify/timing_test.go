package verify_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/verify"
	"github.com/telemetryflow/telemetryflow/internal/testkit/apikeytest"
)

// The time of a refusal does not tell whether there is such a key, nor whether
// it was used of late.
func TestEngine_RefusalTime(t *testing.T) {
	t.Parallel()
	w := apikeytest.NewWorld(t)
	const each, refusal = 5, 2 * time.Second
	c := collect(t, w.IngestURL, "", func(s *verify.Settings) { s.RefusalTime = refusal })
	warm, cold, unknown := w.Key(t), w.Key(t), apikey.NewCredential()
	c.within(t, patience, warm, nil)
	var mu sync.Mutex
	taken := make(map[string][]time.Duration)
	var calls sync.WaitGroup
	for kind, credential := range map[string]func() apikey.Credential{
		"unknown id":                    apikey.NewCredential,
		"unknown id, again":             func() apikey.Credential { return unknown },
		"wrong secret":                  func() apikey.Credential { return apikeytest.Wrong(cold) },
		"wrong secret of a key in use":  func() apikey.Credential { return apikeytest.Wrong(warm) },
		"right form, nothing behind it": func() apikey.Credential { return apikey.Credential{} },
	} {
		for range each {
			calls.Go(func() {
				began := time.Now()
				err := c.judge(credential(), 0)
				mu.Lock()
				defer mu.Unlock()
				taken[kind] = append(taken[kind], time.Since(began))
				if !errors.Is(err, apikey.ErrUnauthenticated) {
					t.Error(kind, err)
				}
			})
		}
	}
	calls.Wait()
	for kind, times := range taken {
		for _, took := range times {
			require.GreaterOrEqual(t, took, refusal, kind)
		}
	}
}
