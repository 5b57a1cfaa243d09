package auth_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// ASVS 6.1.1, 6.3.1: of many guesses against many users, no more than the policy's five
// each are compared with a password: the right one is among the later ones, and is refused. The users
// themselves log in from browsers that they have used before, all the while.
func TestGuesses_ASVS_6_3_1(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	const users, guesses = 8, 12
	hash, err := w.hasher.Hash(t.Context(), secret)
	require.NoError(t, err)
	var attacks sync.WaitGroup
	for i := range users {
		address := fmt.Sprintf("victim%d@example.com", i)
		_, err := w.store.CreateUser(t.Context(), queryserver.Subject{Kind: queryserver.OperatorSubject, ID: "test"}, client, w.organization, address, "", hash,
			[]queryserver.Assignment{{Role: queryserver.RoleViewer, Tenant: w.tenant.Tenant}})
		require.NoError(t, err)
		login := func(password, device string) (*queryserver.LoginResult, error) {
			return w.Login(t.Context(), queryserver.LoginAttempt{Email: address, Password: password, Device: device, Client: client})
		}
		first, err := login(secret, "")
		require.NoError(t, err)
		attacks.Go(func() {
			for n := range guesses {
				guess := "wrong"
				if n >= 5 {
					guess = secret
				}
				if _, err := login(guess, ""); queryserver.CodeOf(err) != queryserver.Unauthenticated {
					t.Errorf("guess %d against %s: %v", n+1, address, err)
				}
			}
			if _, err := login(secret, first.Session.Device); err != nil {
				t.Errorf("%s at his own browser: %v", address, err)
			}
		})
	}
	attacks.Wait()
}
