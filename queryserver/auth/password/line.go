package password

import (
	"container/list"
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// retryAfter is what a refused call is told: the line moves on by dozens in that time.
const retryAfter = 2 * time.Second

// crowd is how many may wait for each place before the line counts as crowded.
const crowd = 4

// line lets calls hash in the order in which they came, so many at once. As long as
// passwords are right and few wait, that is the whole width, since nothing else gives
// four logins at once their least time. When guesses come in or many wait, it is half,
// and each guess is followed by a rest, so that other requests find a processor free.
type line struct {
	width   int // hashes at once
	longest int // calls that may wait
	timeout time.Duration
	rest    int // Settings.GuessRest

	mu      sync.Mutex
	running int
	wrong   int       // recent wrong passwords, less right ones; from 0 to twice width
	waiting list.List // of chan struct{}, closed when it is the call's turn
	refused int64
}

// open is how many may run now.
func (l *line) open() int {
	if l.wrong > l.width || l.waiting.Len() > crowd*l.width {
		return max(1, l.width/2)
	}
	return l.width
}

// enter waits for the call's turn; who has entered must leave. It gives TooMany when
// the line is full or does not move, and Unavailable when the context ends.
func (l *line) enter(ctx context.Context) error {
	l.mu.Lock()
	if l.waiting.Len() == 0 && l.running < l.open() {
		l.running++
		l.mu.Unlock()
		return nil
	}
	if l.waiting.Len() >= l.longest {
		l.refused++
		l.mu.Unlock()
		return busy()
	}
	turn := make(chan struct{})
	place := l.waiting.PushBack(turn)
	l.mu.Unlock()

	timer := time.NewTimer(l.patience())
	defer timer.Stop()
	select {
	case <-turn:
		return nil
	case <-timer.C:
		return l.giveUp(place, turn, busy())
	case <-ctx.Done():
		return l.giveUp(place, turn, &queryserver.Error{
			Code: queryserver.Unavailable, Message: "the password could not be checked in time", RetryAfter: retryAfter, Cause: context.Cause(ctx),
		})
	}
}

// patience is from half the timeout to all of it, so that those who came at once do not
// give up, and come again, at once.
func (l *line) patience() time.Duration {
	return l.timeout/2 + time.Duration(rand.Int64N(int64(l.timeout/2)+1)) //nolint:gosec // nothing is to be guessed here
}

// giveUp takes a call out of the line. If its turn came at the same moment, it goes on.
func (l *line) giveUp(place *list.Element, turn chan struct{}, reason error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-turn:
		return nil
	default:
	}
	l.waiting.Remove(place)
	l.refused++
	l.next() // a shorter line may let more run
	return reason
}

// leave ends a hash that took so long, and says whether it was a guess.
func (l *line) leave(wrong bool, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !wrong {
		l.wrong = max(l.wrong-1, 0)
	} else {
		l.wrong = min(l.wrong+1, 2*l.width)
		if pause := time.Duration(l.rest) * took; l.wrong > l.width && pause > 0 {
			time.AfterFunc(pause, l.free)
			return
		}
	}
	l.running--
	l.next()
}

// free gives the place of a guess to who is next.
func (l *line) free() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	l.next()
}

// next gives free places to those who wait. The lock is held.
func (l *line) next() {
	for l.running < l.open() && l.waiting.Len() > 0 {
		turn, _ := l.waiting.Remove(l.waiting.Front()).(chan struct{})
		l.running++
		close(turn)
	}
}

func busy() error {
	return &queryserver.Error{
		Code: queryserver.TooMany, Message: "too many passwords are being checked; try again in a moment", RetryAfter: retryAfter,
	}
}
