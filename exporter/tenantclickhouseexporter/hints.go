package tenantclickhouseexporter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/collector/pipeline"

	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/encode"
	"github.com/telemetryflow/telemetryflow/exporter/tenantclickhouseexporter/internal/spool"
	"github.com/telemetryflow/telemetryflow/internal/redisurl"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// hintTimeout bounds a publication: nobody waits for hints.
const hintTimeout = time.Second

// hint tells that a tenant has new data. It is published on the channel
// <signal>:new, and may be lost: who needs the data asks for it.
type hint struct {
	Workspace tenant.ID `json:"workspaceId"`
	Tenant    tenant.ID `json:"tenantId"`
	Signal    string    `json:"signal"`
	Count     int       `json:"count"`
	Services  []string  `json:"services"`
	MinTime   time.Time `json:"minTime"`
	MaxTime   time.Time `json:"maxTime"`
	// MinID and MaxID bound the ingest_id of the rows. Metrics have none.
	MinID uint64 `json:"minIngestId,string,omitempty"`
	MaxID uint64 `json:"maxIngestId,string,omitempty"`

	minTime, maxTime uint64 // nanoseconds
}

// hintsOf sums up the rows of a batch that are items, by tenant.
func hintsOf(blocks []*encode.Block, batch *spool.Batch, signal pipeline.Signal) []*hint {
	found := make(map[tenant.Scope]*hint)
	for _, block := range blocks {
		if block.HoldsItems() {
			bad, _ := batch.Split(block)
			addHints(found, block, bad, signal)
		}
	}
	return slices.Collect(maps.Values(found))
}

// addHints adds the rows of a block. Rows of one tenant and of one service come in
// runs.
func addHints(found map[tenant.Scope]*hint, block *encode.Block, bad []int, signal pipeline.Signal) {
	owners, times, ids := block.Owners(), block.Numbers("timestamp"), block.Numbers("ingest_id")
	words, services := block.Words("service_name")
	var h *hint
	before := 0
	for row := range block.Rows() {
		if len(bad) > 0 && bad[0] == row {
			bad = bad[1:]
			continue
		}
		if h == nil || !owners.Same(row, before) {
			h = hintOf(found, owners.Of(row), signal)
			h.name(words[services(row)])
		} else if services(row) != services(before) {
			h.name(words[services(row)])
		}
		before = row
		h.Count++
		h.see(times(row))
		if ids != nil {
			h.seeID(ids(row))
		}
	}
}

func hintOf(found map[tenant.Scope]*hint, owner tenant.Scope, signal pipeline.Signal) *hint {
	h := found[owner]
	if h == nil {
		h = &hint{Workspace: owner.Workspace, Tenant: owner.Tenant, Signal: signal.String()}
		found[owner] = h
	}
	return h
}

// name adds a service. Hints are small: of very many services it names some.
func (h *hint) name(service string) {
	at, known := slices.BinarySearch(h.Services, service)
	if !known && len(h.Services) < maxHintServices {
		h.Services = slices.Insert(h.Services, at, service)
	}
}

const maxHintServices = 1000

func (h *hint) see(nanoseconds uint64) {
	if h.Count == 1 || nanoseconds < h.minTime {
		h.minTime = nanoseconds
	}
	h.maxTime = max(h.maxTime, nanoseconds)
}

func (h *hint) seeID(id uint64) {
	if h.Count == 1 || id < h.MinID {
		h.MinID = id
	}
	h.MaxID = max(h.MaxID, id)
}

func (h *hint) marshal() ([]byte, error) {
	h.MinTime, h.MaxTime = time.Unix(0, int64(h.minTime)).UTC(), time.Unix(0, int64(h.maxTime)).UTC()
	return json.Marshal(h)
}

// hints publishes on Redis, apart from those who send.
type hints struct {
	redis     *redis.Client // nil: nowhere
	channel   string
	telemetry *telemetry
	said      chan []*hint
	ended     chan struct{}
}

func newHints(ctx context.Context, url string, signal pipeline.Signal, telemetry *telemetry) (*hints, error) {
	h := &hints{channel: signal.String() + ":new", telemetry: telemetry}
	if url == "" {
		return h, nil
	}
	options, err := redisurl.Parse(url)
	if err != nil {
		return nil, fmt.Errorf("hints::redis_url: %w", err)
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = hintTimeout, hintTimeout, hintTimeout
	options.MaxRetries = -1 // a late hint is worth nothing
	options.ContextTimeoutEnabled = true
	h.redis = redis.NewClient(options)
	h.said, h.ended = make(chan []*hint, hintBacklog), make(chan struct{})
	go h.run(ctx)
	return h, nil
}

// hintBacklog is how many batches may wait to be told of.
const hintBacklog = 64

// tell says what was stored. When Redis does not keep up, it is skipped and counted.
func (h *hints) tell(ctx context.Context, said []*hint) {
	if h.redis == nil || len(said) == 0 {
		return
	}
	select {
	case h.said <- said:
	default:
		h.telemetry.hinted(ctx, len(said), errBacklog)
	}
}

var errBacklog = errors.New("too many hints wait")

func (h *hints) run(ctx context.Context) {
	defer close(h.ended)
	for said := range h.said {
		ctx, cancel := context.WithTimeout(ctx, hintTimeout)
		h.telemetry.hinted(ctx, len(said), h.publish(ctx, said))
		cancel()
	}
}

func (h *hints) publish(ctx context.Context, said []*hint) error {
	pipe := h.redis.Pipeline()
	for _, one := range said {
		text, err := one.marshal()
		if err != nil {
			return err
		}
		pipe.Publish(ctx, h.channel, text)
	}
	_, err := pipe.Exec(ctx)
	return err
}

// close ends it once nobody tells any more.
func (h *hints) close() {
	if h.redis == nil {
		return
	}
	close(h.said)
	<-h.ended
	_ = h.redis.Close()
}
