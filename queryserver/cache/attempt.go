package cache

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// do runs an operation unless Redis has just failed.
func (r *remote) do(ctx context.Context, what string, operation func(context.Context) error) bool {
	if !r.breaker.allow(time.Now()) {
		r.skipped.Add(1)
		return false
	}
	return r.insist(ctx, what, operation)
}

// insist runs an operation for at most its time, whether its caller stays or not.
func (r *remote) insist(ctx context.Context, what string, operation func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.settings.RedisTimeout)
	defer cancel()
	err := operation(ctx)
	if errors.Is(err, redis.ErrClosed) {
		return false
	}
	changed := r.breaker.report(err == nil, time.Now())
	switch {
	case err != nil:
		r.errors.Add(1)
		if changed {
			r.logger.WarnContext(ctx, "Redis fails; the cache goes on without it.", "operation", what, "error", err)
		}
	case changed:
		r.logger.InfoContext(ctx, "Redis is back.")
	}
	return err == nil
}

// astray says whether the clocks of this server and of Redis differ too much.
func (r *remote) astray(answer []any, sent time.Time) bool {
	seconds, _ := answer[0].(string)
	micros, _ := answer[1].(string)
	s, err1 := strconv.ParseInt(seconds, 10, 64)
	us, err2 := strconv.ParseInt(micros, 10, 64)
	there := time.Unix(s, us*1000)
	now := time.Now()
	offset := time.Duration(0)
	if r.settings.Now != nil {
		offset = r.settings.Now().Sub(now)
	}
	most := r.settings.MaxClockSkew / 2
	if err1 != nil || err2 != nil || there.Before(sent.Add(offset-most)) || there.After(now.Add(offset+most)) {
		if r.skewed.Add(1) == 1 {
			r.logger.Error("The clock of this server and that of Redis differ too much: the cache does without Redis. Synchronise the clocks.",
				"redis", there, "here", now.Add(offset), "max_clock_skew", r.settings.MaxClockSkew)
		}
		return true
	}
	return false
}
