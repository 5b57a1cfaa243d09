package writeaheadlogextension

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/telemetryflow/telemetryflow/extension/writeaheadlogextension/internal/metadata"
	"github.com/telemetryflow/telemetryflow/internal/job"
	"github.com/telemetryflow/telemetryflow/internal/receipt"
	"github.com/telemetryflow/telemetryflow/internal/redisurl"
)

const (
	// quietTime is how long Redis is left alone after a failure, so that requests do
	// not wait for it one by one.
	quietTime = time.Second
	// backlog is how many answers may wait to be told; beyond it they are not.
	backlog = 4096
	// atOnce is how many are told in one round trip.
	atOnce = 256
)

// repeats tells other collectors, through Redis, what was answered to requests that
// may be repeated.
type repeats struct {
	redis     *redis.Client // nil: not configured
	timeout   time.Duration
	telemetry *metadata.TelemetryBuilder
	quiet     atomic.Int64 // until when, in nanoseconds since 1970
	answered  chan answered
	ended     chan struct{}
}

type answered struct {
	job.Repeat
	receipt.Answer
}

func newRepeats(config *RedisConfig, telemetry *metadata.TelemetryBuilder) (*repeats, error) {
	r := &repeats{timeout: config.Timeout, telemetry: telemetry}
	if config.URL == "" {
		return r, nil
	}
	options, err := redisurl.Parse(string(config.URL))
	if err != nil {
		return nil, fmt.Errorf("redis::url: %w", err)
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = config.Timeout, config.Timeout, config.Timeout
	options.MaxRetries = -1 // better no answer than a late one
	options.ContextTimeoutEnabled = true
	r.redis = redis.NewClient(options)
	r.answered, r.ended = make(chan answered, backlog), make(chan struct{})
	go r.run()
	return r, nil
}

func redisKey(r job.Repeat) string {
	return "repeat:" + r.Exporter + ":" + hex.EncodeToString(r.Identity[:])
}

var errQuiet = errors.New("not asked: Redis has just failed")

func (r *repeats) recall(ctx context.Context, of job.Repeat) (answer receipt.Answer, found bool, err error) {
	if r.redis == nil {
		return receipt.Answer{}, false, nil
	}
	if r.isQuiet() {
		r.telemetry.Recalled(ctx, errQuiet)
		return receipt.Answer{}, false, errQuiet
	}
	bounded, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	text, err := r.redis.Get(bounded, redisKey(of)).Bytes()
	if errors.Is(err, redis.Nil) {
		r.telemetry.Recalled(ctx, nil)
		return receipt.Answer{}, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &answer)
	} else if ctx.Err() == nil {
		r.beQuiet()
	}
	r.telemetry.Recalled(ctx, err)
	return answer, err == nil, err
}

func (r *repeats) remember(of job.Repeat, answer receipt.Answer) {
	if r.redis == nil {
		return
	}
	select {
	case r.answered <- answered{of, answer}:
	default: // Redis does not keep up; this collector still knows it
	}
}

// run writes what there is, in as few round trips as it takes.
func (r *repeats) run() {
	defer close(r.ended)
	for one := range r.answered {
		pipe := r.redis.Pipeline()
		for more := true; more; {
			if text, err := json.Marshal(one.Answer); err == nil {
				pipe.Set(context.Background(), redisKey(one.Repeat), text, one.Window)
			}
			if pipe.Len() >= atOnce {
				break
			}
			select {
			case one, more = <-r.answered:
			default:
				more = false
			}
		}
		if r.isQuiet() {
			continue // told too late they are worth nothing
		}
		ctx, cancel := context.WithTimeout(context.Background(), quietTime)
		_, err := pipe.Exec(ctx)
		cancel()
		if err != nil {
			r.beQuiet()
		}
	}
}

func (r *repeats) isQuiet() bool { return time.Now().UnixNano() < r.quiet.Load() }
func (r *repeats) beQuiet()      { r.quiet.Store(time.Now().Add(quietTime).UnixNano()) }

// close comes when nobody remembers any more.
func (r *repeats) close() error {
	if r == nil || r.redis == nil {
		return nil
	}
	close(r.answered)
	<-r.ended
	return r.redis.Close()
}
