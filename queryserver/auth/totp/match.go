package totp

import (
	"crypto/subtle"
	"strings"
	"time"

	"github.com/pquerna/otp/hotp"
)

const (
	period = 30 // seconds; ASVS 6.5.5
	digits = 6
	// skew is how many steps a clock may be off, to either side. It makes a code good
	// for up to 90 seconds; that each is accepted once takes the edge off it.
	skew = 1
	// maxInput bounds what is looked at: six digits and some spaces between them.
	maxInput = 16
)

// Match says whether a code is that of the present step or a neighbour, and of which.
// Only steps after the last one that was accepted count; of a user who has never given
// a code that is 0. The caller must store the step before it believes the answer, in a
// statement that fails if the stored one is not smaller: two calls at once both match.
func (s Secret) Match(code string, now time.Time, lastStep int64) (step int64, ok bool) {
	given, formed := normalise(code)
	if !formed || len(s.seed) < minSecret {
		return 0, false
	}
	present := now.Unix() / period
	secret := s.Text()
	// All steps are computed and compared, whatever the first ones say, so that the
	// time does not tell which one was near. From the last to the first: of two steps
	// with the same code the earlier is taken, and the later stays good.
	for candidate := present + skew; candidate >= present-skew; candidate-- {
		expected, err := hotp.GenerateCode(secret, uint64(candidate))
		equal := subtle.ConstantTimeCompare([]byte(expected), []byte(given)) == 1
		if err == nil && equal && candidate > lastStep && candidate >= 0 {
			step, ok = candidate, true
		}
	}
	return step, ok
}

// normalise drops the spaces that apps show between digits.
func normalise(code string) (string, bool) {
	if len(code) > maxInput {
		return "", false
	}
	code = strings.ReplaceAll(code, " ", "")
	if len(code) != digits {
		return "", false
	}
	for _, c := range []byte(code) {
		if c < '0' || c > '9' {
			return "", false
		}
	}
	return code, true
}
