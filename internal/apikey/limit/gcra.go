package limit

import (
	"math"
	"time"

	"github.com/redis/go-redis/v9"
)

// Rate allows so many tokens per period, all of them at once after a pause of
// one period.
type Rate struct {
	Tokens int64
	Period time.Duration
}

// interval is the time in which one token comes back, in microseconds.
func (r Rate) interval() float64 { return float64(r.Period.Microseconds()) / float64(r.Tokens) }

// chunkShare is the part of a limit that is leased at once: 2 %, so that a limit
// of 1000 per minute costs 50 round trips per minute.
const chunkShare = 50

func (r Rate) chunk() int64 { return max(1, r.Tokens/chunkShare) }

// grant is the answer to a request for tokens.
type grant struct {
	tokens int64         // granted
	free   int64         // left for others
	retry  time.Duration // when nothing was granted: until there is a token
}

// lease is the GCRA: arrival is the time until which the limit is used up, less
// the period. The Go form below does the same.
var lease = redis.NewScript(`
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local interval, period, want, debt = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or '') or now, now) + debt * interval
local free = math.max(0, math.floor((now + period - arrival) / interval + 0.000001))
local granted = math.min(want, free)
arrival = arrival + granted * interval
redis.call('SET', KEYS[1], string.format('%.3f', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1000)
local retry = 0
if granted == 0 then retry = arrival + interval - period - now end
return {granted, free - granted, math.ceil(retry)}`)

// gcra is the same for one collector alone. The zero value is unused.
type gcra struct{ arrival float64 } // microseconds of Unix time

func (g *gcra) lease(rate Rate, at time.Time, want, debt int64) grant {
	now, interval, period := float64(at.UnixMicro()), rate.interval(), float64(rate.Period.Microseconds())
	g.arrival = max(g.arrival, now) + float64(debt)*interval
	free := max(0, int64(math.Floor((now+period-g.arrival)/interval+1e-6)))
	granted := min(want, free)
	g.arrival += float64(granted) * interval
	answer := grant{tokens: granted, free: free - granted}
	if granted == 0 {
		answer.retry = micros(g.arrival + interval - period - now)
	}
	return answer
}

// charge counts tokens that Redis granted, so that losing Redis does not give
// them out again.
func (g *gcra) charge(rate Rate, at time.Time, tokens int64) {
	g.arrival = max(g.arrival, float64(at.UnixMicro())) + float64(tokens)*rate.interval()
}

func micros(n float64) time.Duration { return time.Duration(math.Ceil(n)) * time.Microsecond }
