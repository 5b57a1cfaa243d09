package postgres_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A new user waits for the head of the audit trail under a lock of his organization, which
// whoever holds the head must not wait for.
func TestStore_InsertsBesideTheAuditTrail(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var running sync.WaitGroup
	failed := make(chan error, 400)
	for worker := range 4 {
		running.Go(func() {
			for n := range 25 {
				_, err := w.store.CreateUser(t.Context(), w.call.Subject, client, w.organization, fmt.Sprintf("u%d-%d@example.com", worker, n), "", "", nil)
				failed <- err
			}
		})
		running.Go(func() {
			for range 50 {
				failed <- w.store.Audit(t.Context(), w.organization, w.call.Subject, client, "test", "", "failure", map[string]any{})
			}
		})
	}
	running.Wait()
	close(failed)
	for err := range failed {
		require.NoError(t, err)
	}
}
