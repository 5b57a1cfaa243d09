package spool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	chproto "github.com/ClickHouse/clickhouse-go/v2/lib/proto"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/spool"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
	"github.com/telemetryflow/telemetryflow/internal/wal"
	"github.com/telemetryflow/telemetryflow/internal/wal/waltest"
)

var settings = spool.Settings{
	NewEncoder: func() *encode.Encoder {
		return encode.New(encode.Config{Retention: encode.Retention{Metrics: 30, Logs: 30, Traces: 30}, Seen: encode.NewSeenSeries(10)})
	},
	MaxRows: 5, MaxBytes: 1 << 20, MaxAge: time.Millisecond, MaxWaiting: 1 << 20, MaxRequests: 1000, InMemory: 1,
}

var logSettings = wal.Settings{SegmentSize: 70 << 10, MaxSize: 1 << 20}

var owner = tenant.Scope{Workspace: tenant.ID{1}, Tenant: tenant.ID{2}}

// put is Put without the place.
func put(s *spool.Spool, r *spool.Request) error {
	_, err := s.Put(r)
	return err
}

// request is for a log record of the body.
func request(body string) *spool.Request {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr(tenant.WorkspaceAttribute, owner.Workspace.String())
	rl.Resource().Attributes().PutStr(tenant.TenantAttribute, owner.Tenant.String())
	record := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	record.Body().SetStr(body)
	record.Attributes().PutStr("padding", string(make([]byte, 4000))) // for segments to end
	return &spool.Request{
		Entry:   spool.Entry{Key: spool.KeyID{7}, Shares: []spool.Share{{Owner: owner, Items: 1}}},
		Context: context.Background(), Bytes: 5000,
		Add: func(e *encode.Encoder) error { return e.AppendLogs(ld) },
	}
}

// table is a ClickHouse of one table, which knows tokens.
type table struct {
	forgetful bool // knows no tokens

	mu     sync.Mutex
	tokens map[string][]byte
	rows   map[string]int
}

func newTable() *table { return &table{tokens: map[string][]byte{}, rows: map[string]int{}} }

// insert stores the blocks of a batch.
func (c *table) insert(b *spool.Batch) error {
	blocks, lost, err := b.Blocks()
	if err != nil {
		return err
	}
	if lost > 0 {
		return fmt.Errorf("%d items are lost", lost)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, block := range blocks {
		token := fmt.Sprintf("%s/%s/%d", b.ID, block.Table(), block.Rank())
		body := block.AppendNative(nil)
		if before, known := c.tokens[token]; known && !c.forgetful {
			if !bytes.Equal(before, body) {
				return fmt.Errorf("%s has other bytes than before", token)
			}
			continue
		}
		c.tokens[token] = body
		decoded := chproto.NewBlock()
		if err := decoded.Decode(proto.NewReader(bytes.NewReader(body)), 0); err != nil {
			return err
		}
		for i, name := range decoded.ColumnsNames() {
			for row := range decoded.Rows() {
				if name == "body" {
					c.rows[decoded.Columns[i].Row(row, false).(string)]++
				}
			}
		}
	}
	return nil
}

// life runs a spool on a disk until all requests are answered and stored, or the
// disk crashes. It returns the bodies that were acknowledged.
func life(disk *waltest.Disk, c *table, name string, clients, requests int) (acked []string, err error) {
	log, err := wal.Open(disk, logSettings)
	if err != nil {
		return nil, err
	}
	s, err := spool.Open(log, settings, zap.NewNop())
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	var sender, all sync.WaitGroup
	var broken error
	sender.Go(func() {
		defer stop()
		broken = send(ctx, s, c)
	})
	var mu sync.Mutex
	for client := range clients {
		all.Go(func() {
			for i := range requests {
				body := fmt.Sprintf("%s/%d/%d", name, client, i)
				if put(s, request(body)) == nil {
					mu.Lock()
					acked = append(acked, body)
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	if disk.CrashAt == 0 {
		if err = s.Drain(ctx); err == nil {
			err = audit(s, c)
		}
	}
	stop()
	sender.Wait()
	s.Close()
	return acked, errors.Join(broken, err, log.Close())
}

// audit compares the accounts with the table, once nothing is queued.
func audit(s *spool.Spool, c *table) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range s.Accounts() {
		if a.Accepted != uint64(len(c.rows)) || a.Stored != a.Accepted || a.Queued+a.Dead != 0 {
			return fmt.Errorf("%d rows are stored, and the accounts say %+v", len(c.rows), a)
		}
	}
	return nil
}

// send inserts every batch twice, for the first answer was lost.
func send(ctx context.Context, s *spool.Spool, c *table) error {
	for {
		b, err := s.Next(ctx)
		if err != nil {
			return nil
		}
		for range 2 {
			if err := c.insert(b); err != nil && !errors.Is(err, waltest.ErrCrashed) {
				return err
			}
		}
		s.Commit(b)
	}
}

// campaign crashes at an operation, again during what follows, and then looks
// whether all that was acknowledged is stored once.
func campaign(at int, survival waltest.Survival, deaf, forgetful bool) error {
	disk, c := waltest.New(), newTable()
	disk.CrashAt, disk.Deaf, c.forgetful = at, deaf, forgetful
	acked, err := life(disk, c, "first", 3, 6)
	if err != nil && !errors.Is(err, waltest.ErrCrashed) {
		return err
	}
	disk = disk.Restart(survival)
	disk.CrashAt = 1 + at%23
	more, err := life(disk, c, "second", 2, 2)
	if err != nil && !errors.Is(err, waltest.ErrCrashed) {
		return err
	}
	acked = append(acked, more...)
	more, err = life(disk.Restart(waltest.Survival(at)%waltest.Survivals), c, "third", 1, 2)
	if err != nil {
		return err
	}
	acked = append(acked, more...)
	for _, body := range acked {
		if c.rows[body] == 0 {
			return fmt.Errorf("%s was acknowledged and is lost", body)
		}
	}
	for body, n := range c.rows {
		if n > 1 {
			return fmt.Errorf("%s is stored %d times", body, n)
		}
	}
	return nil
}

func campaigns(deaf, forgetful bool) error {
	for at := 1; at <= 80; at++ {
		for survival := range waltest.Survivals {
			if err := campaign(at, survival, deaf, forgetful); err != nil {
				return fmt.Errorf("crash at operation %d, survival %d: %w", at, survival, err)
			}
		}
	}
	return nil
}

func TestSpool_CrashEverywhere(t *testing.T) {
	t.Parallel()
	require.NoError(t, campaigns(false, false))
}

// The enumeration finds a disk that does not sync, and a ClickHouse without tokens.
func TestSpool_CrashKnownBad(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, campaigns(true, false), "is lost")
	require.ErrorContains(t, campaigns(false, true), "is stored")
}
