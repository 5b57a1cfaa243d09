package password

import (
	"context"
	"crypto/rand"
	"fmt"
	"runtime"
	"time"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/bcrypt"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// Hasher hashes and verifies. It is safe for concurrent use.
type Hasher struct {
	settings  Settings
	strangers line
	known     line   // apart, so that guesses keep nobody out of a browser that he has used before
	decoy     string // the hash of a password that nobody knows
}

// Verdict is what a verification found.
type Verdict struct {
	Right bool
	// NeedsRehash says that the password is right, but its hash is not of the algorithm
	// and cost of new ones: hash it anew, now that it is known.
	NeedsRehash bool
}

// Stats are of both lines: places taken, calls that wait, and calls refused so far.
type Stats struct {
	Running, Waiting int
	Refused          int64
}

// NewHasher makes a hasher, and one hash. The error is that of Validate.
func NewHasher(settings Settings) (*Hasher, error) {
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	h := &Hasher{settings: settings}
	for _, l := range []*line{&h.strangers, &h.known} {
		l.width, l.longest, l.timeout = settings.width(), settings.QueueLength, settings.QueueTimeout
	}
	h.strangers.rest = settings.GuessRest
	decoy, err := h.hash(rand.Text())
	h.decoy = decoy
	return h, err
}

// Verify compares a password with a stored hash. A password that the hash cannot tell
// by all of its bytes is wrong, after the same time: one of more than 512 bytes, and
// against bcrypt one of more than 72 or with a NUL. An empty hash, of a user without a
// password, matches none. Errors are TooMany and Unavailable of the line, and one
// without a code for a hash that cannot be read.
func (h *Hasher) Verify(ctx context.Context, password, hash string) (Verdict, error) {
	return h.verify(ctx, &h.strangers, password, hash)
}

// VerifyKnown is Verify for callers of whom something is proved already, such as that
// the user has logged in from their browser before. They do not wait for strangers.
func (h *Hasher) VerifyKnown(ctx context.Context, password, hash string) (Verdict, error) {
	return h.verify(ctx, &h.known, password, hash)
}

func (h *Hasher) verify(ctx context.Context, in *line, password, hash string) (Verdict, error) {
	known := hash != ""
	if !known {
		hash = h.decoy
	}
	found, unreadable := read(hash)
	if unreadable != nil {
		// The user exists, and this must not be told by the time either.
		found = stored{text: h.decoy, argon2: h.settings.params()}
		if h.settings.Algorithm == Bcrypt {
			found = stored{text: h.decoy, cost: bcryptCost}
		}
	}
	judged := known && unreadable == nil && found.takes(password)
	if !judged {
		password = ""
	}
	matches, err := h.run(ctx, in, func() (bool, error) { return found.matches(password) })
	if unreadable != nil && err == nil {
		err = fmt.Errorf("read the hash of a password: %w", unreadable)
	}
	if err != nil {
		return Verdict{}, err
	}
	right := judged && matches
	return Verdict{Right: right, NeedsRehash: right && !found.current(h.settings)}, nil
}

// Burn costs what a Verify of a wrong password costs, line included. It is for users
// who do not exist or may not log in, so that the time does not tell (ASVS 6.3.8). Its
// errors are those of the line.
func (h *Hasher) Burn(ctx context.Context) error {
	_, err := h.Verify(ctx, "", "")
	return err
}

// Hash hashes a new password, which the policy has let through. What the algorithm
// would not tell by all of its bytes is Invalid: more than 512 bytes, and for bcrypt
// more than 72 or a NUL.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	switch {
	case password == "" || len(password) > maxBytes:
		return "", queryserver.Errorf(queryserver.Invalid, "a password has 1 to %d characters", maxLength)
	case h.settings.Algorithm == Bcrypt && !bcryptTakes(password):
		return "", tooLongForBcrypt()
	}
	var hash string
	_, err := h.run(ctx, &h.known, func() (bool, error) {
		made, err := h.hash(password)
		hash = made
		return true, err
	})
	return hash, err
}

// AwaitRefusal returns when a login that began at the given time may be refused:
// RefusalTime after it. All refusals take so long, whatever was wrong and whatever kind
// of hash the user has. It costs no processor.
func (h *Hasher) AwaitRefusal(ctx context.Context, began time.Time) {
	timer := time.NewTimer(time.Until(began.Add(h.settings.RefusalTime)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Stats are for the metrics.
func (h *Hasher) Stats() (s Stats) {
	for _, l := range []*line{&h.strangers, &h.known} {
		l.mu.Lock()
		s.Running, s.Waiting, s.Refused = s.Running+l.running, s.Waiting+l.waiting.Len(), s.Refused+l.refused
		l.mu.Unlock()
	}
	return s
}

// run does the work when its turn has come. What it answers is whether the password
// was right.
func (h *Hasher) run(ctx context.Context, in *line, work func() (bool, error)) (right bool, err error) {
	if err := in.enter(ctx); err != nil {
		return false, err
	}
	began := time.Now()
	defer func() { in.leave(!right, time.Since(began)) }()
	// The turn came from a call that has just used up its processor's time; others who
	// wait for that processor go first.
	runtime.Gosched()
	return work()
}

func (h *Hasher) hash(password string) (string, error) {
	if h.settings.Algorithm == Bcrypt {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcryptCost)
		if err != nil {
			return "", fmt.Errorf("hash a password by bcrypt: %w", err)
		}
		return string(hash), nil
	}
	hash, err := argon2id.CreateHash(password, h.settings.params())
	if err != nil {
		return "", fmt.Errorf("hash a password by Argon2id: %w", err)
	}
	return hash, nil
}
