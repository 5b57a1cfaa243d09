package load

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/ledger"
)

// client is a run of a load.
type client struct {
	config *Config
	sender *sender
	ledger *ledger.Writer
	giveUp context.Context // ends when nothing is retried any more

	mu     sync.Mutex
	failed error // of the ledger
}

// Run sends until the context ends or the time is over, and returns when every
// request has ended.
func Run(ctx context.Context, config *Config) error {
	sender, err := newSender(config)
	if err != nil {
		return err
	}
	defer sender.conn.Close()
	writer, err := ledger.Append(config.Ledger)
	if err != nil {
		return err
	}
	defer writer.Close()
	if config.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, config.For)
		defer cancel()
	}
	giveUp, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(config.Patience, cancel) })()
	c := &client{config: config, sender: sender, ledger: writer, giveUp: giveUp}
	var all sync.WaitGroup
	for i, stream := range config.Streams {
		all.Go(func() {
			if stream.Transport == SDK {
				c.sdk(ctx, stream)
			} else {
				c.stream(ctx, stream, i)
			}
		})
	}
	all.Wait()
	return c.failed
}

// stream sends one request per interval, each at its time.
func (c *client) stream(ctx context.Context, stream Stream, index int) {
	interval := time.Duration(float64(time.Second) * float64(c.config.BatchItems*len(c.config.Streams)) / float64(c.config.Rate))
	next := time.Now().Add(interval * time.Duration(index) / time.Duration(len(c.config.Streams)))
	room := make(chan struct{}, c.config.InFlight)
	var flying sync.WaitGroup
	defer flying.Wait()
	var first uint64
	for {
		select {
		case <-time.After(time.Until(next)):
		case <-ctx.Done():
			return
		}
		next = next.Add(interval)
		select {
		case room <- struct{}{}:
		default:
			continue // too many are in flight
		}
		number := first
		first += uint64(c.config.BatchItems)
		flying.Go(func() {
			defer func() { <-room }()
			c.request(ctx, stream, number)
		})
	}
}

// request sends one request, again if it is refused and the client is to insist.
func (c *client) request(ctx context.Context, stream Stream, first uint64) {
	count := uint64(c.config.BatchItems)
	body, err := stream.body(first, c.config, time.Now())
	if err != nil {
		c.fail(err)
		return
	}
	for attempt := 1; ; attempt++ {
		sent := time.Now()
		got := c.sender.send(context.WithoutCancel(ctx), stream, body)
		c.fail(c.ledger.Write(ledger.Entry{
			Outcome: got.outcome, Stream: stream.Name, First: first, Count: count, Sent: sent, Ended: time.Now(), Reason: got.reason,
		}))
		if !c.again(got) {
			return
		}
		select {
		case <-time.After(delay(attempt, got.retryAfter)):
		case <-c.giveUp.Done():
			return
		}
	}
}

// again says whether to send the same request another time.
func (c *client) again(got answer) bool {
	switch got.outcome {
	case ledger.Refused:
		return c.config.RetryRefused && got.retryable()
	case ledger.Unknown:
		return c.config.RetryUnknown && got.reason != reasonPartial
	default:
		return false
	}
}

// retryable is what the OTLP specification says, and nobody listening.
func (a answer) retryable() bool {
	switch a.reason {
	case reasonNotSent, "429", "502", "503", "504", "Unavailable", "ResourceExhausted":
		return true
	}
	return false
}

// maxDelay is shorter than that of SDKs, so that a test is over sooner.
const maxDelay = 5 * time.Second

// delay is what the server asks for, or else grows, and differs between requests.
func delay(attempt int, asked time.Duration) time.Duration {
	wait := min(100*time.Millisecond<<min(attempt, 6), maxDelay)
	wait = max(wait, min(asked, maxDelay))
	return wait/2 + rand.N(wait)
}

func (c *client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed == nil {
		c.failed = err
	}
}
