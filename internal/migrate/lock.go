package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	lockTable = "schema_migrations_lock"
	// lockBeat is how often the holder of the lock shows that it is alive, and
	// how often others look.
	lockBeat = time.Second
	// lockStale is the silence after which a holder counts as dead.
	lockStale = 30 * time.Second
	// lockPatience is how long a run waits for another's migrations.
	lockPatience = lockPeriodSeconds * lockAttempts * time.Second
)

// tableLock keeps two runs apart in ClickHouse, which has no locks: who creates
// the lock table holds the lock, and a holder that was killed falls silent. Two
// runs that bury the same holder in the same instant would both go on; that costs
// nothing, because the migrations create and drop only IF (NOT) EXISTS.
type tableLock struct {
	cluster Cluster
	stop    context.CancelFunc
	done    chan struct{}
}

func newTableLock(cluster Cluster) *tableLock { return &tableLock{cluster: cluster} }

// Lock waits for the lock and keeps it alive until Unlock.
func (l *tableLock) Lock(ctx context.Context, db *sql.DB) error {
	waiting, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	for {
		held, err := l.try(waiting, db)
		if err != nil {
			return fmt.Errorf("lock the migrations of ClickHouse: %w", err)
		}
		if held {
			break
		}
		select {
		case <-waiting.Done():
			return fmt.Errorf("wait for another run that migrates ClickHouse: %w", waiting.Err())
		case <-time.After(lockBeat):
		}
	}
	beating, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop, l.done = stop, make(chan struct{})
	go l.beat(beating, db)
	return nil
}

// try takes the lock if nobody living holds it.
func (l *tableLock) try(ctx context.Context, db *sql.DB) (bool, error) {
	_, createErr := db.ExecContext(ctx, fmt.Sprintf("CREATE TABLE %s%s (at DateTime64(3)) ENGINE = %s ORDER BY at",
		lockTable, l.cluster.OnCluster(), l.cluster.everywhere("MergeTree", lockTable, "")))
	if createErr == nil {
		return true, nil
	}
	silence, err := l.silence(ctx, db)
	if errors.Is(err, sql.ErrNoRows) {
		return false, createErr // it failed for a reason of its own
	}
	if err != nil {
		return false, err
	}
	if silence > lockStale {
		return false, l.drop(ctx, db)
	}
	return false, nil
}

// silence is the time since the holder's last sign of life, by the server's
// clock: its last beat, or the making of the table.
func (l *tableLock) silence(ctx context.Context, db *sql.DB) (time.Duration, error) {
	var made, now time.Time
	err := db.QueryRowContext(ctx, "SELECT metadata_modification_time, now() FROM system.tables WHERE database = currentDatabase() AND name = '"+
		lockTable+"'").Scan(&made, &now)
	if err != nil {
		return 0, err
	}
	var beat time.Time
	var beats uint64
	if err := db.QueryRowContext(ctx, "SELECT max(at), count() FROM "+lockTable).Scan(&beat, &beats); err != nil {
		return 0, nil //nolint:nilerr // released between the two queries: look again
	}
	if beats > 0 {
		return now.Sub(beat), nil
	}
	return now.Sub(made), nil
}

func (l *tableLock) beat(ctx context.Context, db *sql.DB) {
	defer close(l.done)
	ticker := time.NewTicker(lockBeat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			// A beat that fails is made good by the next: lockStale is many beats.
			_, _ = db.ExecContext(ctx, "INSERT INTO "+lockTable+" SELECT now64(3)")
		}
	}
}

// Unlock gives the lock to the next.
func (l *tableLock) Unlock(ctx context.Context, db *sql.DB) error {
	l.stop()
	<-l.done
	return l.drop(ctx, db)
}

func (l *tableLock) drop(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, "DROP TABLE IF EXISTS "+lockTable+l.cluster.OnCluster()+" SYNC"); err != nil {
		return fmt.Errorf("drop the lock of migrations: %w", err)
	}
	return nil
}
