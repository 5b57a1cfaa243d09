package jobstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/internal/job"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
)

// Store calls the schema's functions.
type Store struct {
	pool    *postgres.Pool
	timeout time.Duration
}

// New works through the pool. The timeout is of one call.
func New(pool *postgres.Pool, timeout time.Duration) *Store {
	return &Store{pool: pool, timeout: timeout}
}

// Publish writes the progress of a log.
func (s *Store) Publish(ctx context.Context, secret job.Secret, p *job.Progress) error {
	var of columns
	for writer, oldest := range p.Oldest {
		of.writers = append(of.writers, writer[:])
		of.oldest = append(of.oldest, int64(oldest))
	}
	for i := range p.Finished {
		of.finished(&p.Finished[i])
	}
	return s.call(ctx, "publish_log_progress", secret[:], of.writers, of.oldest,
		of.batchWriters, of.batches, of.expire, of.deadWriters, of.deadBatches, of.deadRequests, of.deadItems)
}

// columns are the arrays that the function takes.
type columns struct {
	writers                              [][]byte
	oldest                               []int64
	batchWriters                         [][]byte
	batches                              []int64
	expire                               []time.Time
	deadWriters                          [][]byte
	deadBatches, deadRequests, deadItems []int64
}

func (c *columns) finished(f *job.Finished) {
	c.batchWriters = append(c.batchWriters, f.Writer[:])
	c.batches = append(c.batches, int64(f.Batch))
	c.expire = append(c.expire, f.Expires)
	for request, items := range f.Dead {
		c.deadWriters = append(c.deadWriters, f.Writer[:])
		c.deadBatches = append(c.deadBatches, int64(f.Batch))
		c.deadRequests = append(c.deadRequests, int64(request))
		c.deadItems = append(c.deadItems, int64(items))
	}
}

// Expire removes what need not be told any longer.
func (s *Store) Expire(ctx context.Context) error { return s.call(ctx, "expire_log_progress") }

func (s *Store) call(ctx context.Context, function string, arguments ...any) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	rows, err := s.pool.Call(ctx, function, arguments...)
	if err == nil {
		rows.Close()
		err = rows.Err()
	}
	if err != nil {
		return fmt.Errorf("call %s in PostgreSQL: %w", function, err)
	}
	return nil
}

// Find says what became of a job. job.ErrUnknown is an answer, any other error is none.
func (s *Store) Find(ctx context.Context, c *job.Claim) (job.Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	rows, _ := s.pool.Call(ctx, "find_log_request", c.Writer[:], int64(c.Batch), int64(c.Request)) // CollectExactlyOneRow returns its error
	f, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[found])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return job.Outcome{}, job.ErrUnknown
	case err != nil:
		return job.Outcome{}, fmt.Errorf("look for a job in PostgreSQL: %w", err)
	case len(f.Secret) != len(job.Secret{}) || !c.ProvenBy(job.Secret(f.Secret)):
		return job.Outcome{}, job.ErrUnknown
	case f.Finished:
		return job.Outcome{Finished: true, Dead: int(f.Dead)}, nil
	case int64(c.Batch) < f.Oldest:
		return job.Outcome{}, job.ErrUnknown // it was finished, too long ago
	}
	return job.Outcome{}, nil
}

type found struct {
	Secret   []byte
	Oldest   int64
	Finished bool
	Dead     int64
}
