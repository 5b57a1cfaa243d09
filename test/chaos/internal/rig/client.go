//go:build linux

package rig

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/ledger"
	"github.com/telemetryflow/telemetryflow/test/chaos/internal/load"
)

// Client is a load process and its ledger.
type Client struct {
	*stacktest.Process
	Name   string // begins the names of its streams
	Config *load.Config
}

// StartLoad starts a client that sends to the rig's collector. Its name must be new.
func (r *Rig) StartLoad(t testing.TB, name string, change func(*load.Config)) *Client {
	t.Helper()
	c := &Client{Name: name, Config: &load.Config{
		Ledger: filepath.Join(r.Folder, name+".ledger"),
		HTTP:   r.Collector.HTTP, GRPC: r.Collector.GRPC,
		KeyID: r.key.ID.String(), KeySecret: r.key.Secret,
		Streams: load.Streams(name), Rate: 2000, BatchItems: 100, InFlight: 32, Timeout: time.Minute, Patience: time.Minute,
	}}
	if change != nil {
		change(c.Config)
	}
	text, err := json.Marshal(c.Config)
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	c.Process = stacktest.Run(t, self, []string{load.Variable + "=" + string(text)})
	return c
}

// Stop ends the load and waits until every request has ended.
func (c *Client) Stop(t testing.TB) {
	t.Helper()
	c.Process.Stop()
	c.Await(t)
}

// Await waits until the load has ended by itself.
func (c *Client) Await(t testing.TB) {
	t.Helper()
	<-c.Done
	require.True(t, c.Cmd.ProcessState.Success(), "the client failed: %s", c.Output())
}

// Book reads the ledger, as far as it is written.
func (c *Client) Book(t testing.TB) *ledger.Book {
	t.Helper()
	book, err := ledger.Open(c.Config.Ledger)
	require.NoError(t, err)
	return book
}

// AwaitAcked waits until so many items have been acknowledged.
func (c *Client) AwaitAcked(t testing.TB, items int) {
	t.Helper()
	require.Eventually(t, func() bool {
		require.False(t, c.Ended(), "the client ended: %s", c.Output())
		return c.Book(t).Count(ledger.Acked) >= items
	}, stacktest.Patience, stacktest.Often, "fewer than %d items are acknowledged", items)
}

// AwaitMore waits until items are acknowledged that were not when it was called.
func (c *Client) AwaitMore(t testing.TB) {
	t.Helper()
	c.AwaitAcked(t, c.Book(t).Count(ledger.Acked)+1)
}
