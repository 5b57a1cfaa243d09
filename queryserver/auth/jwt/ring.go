package jwt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/auth/seal"
)

// Ring holds the keys, and changes them by the schedule. It is safe for concurrent use.
type Ring struct {
	store    Store
	sealer   *seal.Sealer
	settings Settings
	logger   *slog.Logger
	changing sync.Mutex // one Refresh at a time: an older one must not end last
	keys     atomic.Pointer[map[string]signingKey]
}

// NewRing reads the keys, and makes the first if there is none. Without keys it gives
// an error: a server that cannot sign must not start.
func NewRing(ctx context.Context, store Store, sealer *seal.Sealer, settings Settings, logger *slog.Logger) (*Ring, error) {
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	r := &Ring{store: store, sealer: sealer, settings: settings, logger: logger}
	if err := r.Refresh(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// Run refreshes until the context ends. Between failures the keys in memory are used.
func (r *Ring) Run(ctx context.Context) {
	ticker := time.NewTicker(r.settings.Keys.RefreshEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := r.Refresh(ctx); err != nil && ctx.Err() == nil {
			r.logger.ErrorContext(ctx, "signing keys were not refreshed; those in memory are used", "error", err)
		}
	}
}

// Refresh reads the keys, makes the next one if it is due, and deletes expired ones.
func (r *Ring) Refresh(ctx context.Context) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	return r.refresh(ctx)
}

func (r *Ring) refresh(ctx context.Context) error {
	stored, err := r.store.Keys(ctx)
	if err != nil {
		return fmt.Errorf("read the signing keys: %w", err)
	}
	plan := r.settings.Keys.Plan(stored, r.settings.now())
	if plan.Due {
		if stored, err = r.add(ctx, plan); err != nil {
			return err
		}
		plan = r.settings.Keys.Plan(stored, r.settings.now())
	}
	if len(plan.Keys) == 0 {
		return errors.New("read the signing keys: the one that was just added is gone")
	}
	opened := make(map[string]signingKey, len(plan.Keys))
	for _, key := range plan.Keys {
		if opened[key.ID], err = openKey(r.sealer, key); err != nil {
			return err
		}
	}
	r.keys.Store(&opened)
	if len(plan.Expired) > 0 {
		if err := r.store.Delete(ctx, plan.Expired); err != nil {
			return fmt.Errorf("delete expired signing keys: %w", err)
		}
	}
	return nil
}

// add makes the key that is due, and reads what then is there: it may be another's.
func (r *Ring) add(ctx context.Context, plan Plan) ([]queryserver.SigningKey, error) {
	key, err := makeKey(r.sealer, plan.UseFrom, plan.Previous)
	if err != nil {
		return nil, err
	}
	if err := r.store.Add(ctx, key); err != nil {
		return nil, fmt.Errorf("add a signing key: %w", err)
	}
	stored, err := r.store.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	return stored, nil
}

// Replace is for when a key may have leaked: all keys are deleted and a new one signs at
// once. All access tokens end, on this server now and on others at their next Refresh;
// clients get new ones by their refresh tokens (ASVS 13.3.4).
func (r *Ring) Replace(ctx context.Context) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	stored, err := r.store.Keys(ctx)
	if err != nil {
		return fmt.Errorf("read the signing keys: %w", err)
	}
	ids := make([]string, len(stored))
	for i, key := range stored {
		ids[i] = key.ID
	}
	if err := r.store.Delete(ctx, ids); err != nil {
		return fmt.Errorf("delete the signing keys: %w", err)
	}
	return r.refresh(ctx)
}

// plan is of the keys in memory, at this moment: a key changes on time without a Refresh.
func (r *Ring) plan(now time.Time) (map[string]signingKey, Plan) {
	keys := *r.keys.Load()
	stored := make([]queryserver.SigningKey, 0, len(keys))
	for _, key := range keys {
		stored = append(stored, key.SigningKey)
	}
	return keys, r.settings.Keys.Plan(stored, now)
}

func (r *Ring) signing(now time.Time) (signingKey, error) {
	keys, plan := r.plan(now)
	key, found := keys[plan.Signing]
	if !found {
		return signingKey{}, queryserver.Errorf(queryserver.Unavailable, "access tokens cannot be signed at the moment")
	}
	return key, nil
}

// verifying finds the key of a kid, if tokens of it may still be good.
func (r *Ring) verifying(id string, now time.Time) (signingKey, bool) {
	keys := *r.keys.Load()
	key, found := keys[id]
	if !found {
		return signingKey{}, false
	}
	for _, other := range keys {
		if other.UseFrom.After(key.UseFrom) && !now.Before(other.UseFrom.Add(r.settings.Keys.KeepAfter)) {
			return signingKey{}, false
		}
	}
	return key, true
}
