//go:build linux

package rig

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/ledger"
)

// Verdict is what became of the items of a client, and of the tables behind
// materialized views.
type Verdict struct {
	ledger.Verdict
	Views []string // what is wrong with them
}

// Good says that everything is as it must be.
func (v Verdict) Good() bool { return v.Verdict.Good() && len(v.Views) == 0 }

// Judge compares a client's ledger with what is stored at this moment.
func (r *Rig) Judge(t testing.TB, c *Client) Verdict {
	t.Helper()
	book := c.Book(t)
	var v Verdict
	for _, stream := range c.Config.Streams {
		numbers, err := r.Database.Numbers(t.Context(), stream)
		require.NoError(t, err)
		v.Add(ledger.Judge(stream.Name, book.Streams[stream.Name], numbers))
	}
	var err error
	v.Views, err = r.Database.Views(t.Context(), c.Name)
	require.NoError(t, err)
	return v
}

// patience is how long nothing may be stored before what is missing is lost: longer
// than any pause between attempts.
const patience = 40 * time.Second

// Settle waits until all that was acknowledged is stored, or nothing more is, and
// returns the verdict and how long that took.
func (r *Rig) Settle(t testing.TB, c *Client) (Verdict, time.Duration) {
	t.Helper()
	began, progress, last := time.Now(), time.Now(), -1
	for {
		v := r.Judge(t, c)
		took := time.Since(began)
		if v.Lost == 0 && len(v.Views) == 0 {
			return v, took
		}
		if v.Stored != last {
			last, progress = v.Stored, time.Now()
		}
		if time.Since(progress) > r.Patience {
			return v, took
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-t.Context().Done():
			return v, took
		}
	}
}
