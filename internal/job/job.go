package job

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"time"

	"go.opentelemetry.io/collector/pipeline"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
)

// Writer names one opening of a log, for all time.
type Writer [8]byte

// Secret proves that an id is of a log.
type Secret [32]byte

// Place is where a request is in a log.
type Place struct {
	Writer  Writer
	Batch   uint64
	Request uint64 // in the batch
}

// Job is a request that is on disk.
type Job struct {
	Place
	Signal   pipeline.Signal
	Key      apikey.ID // zero: the caller was let in without an API key
	Accepted int       // items on disk
	Rejected int       // items that will never be
	At       time.Time // in milliseconds
}

// An id is base64url, without padding, of
//
//	version   1 byte
//	signal    1 byte
//	writer    8 bytes
//	key       16 bytes
//	batch, request, accepted, rejected, time in ms since 1970   uvarints
//	code      16 bytes: the first half of the HMAC-SHA-256 of all before
const (
	version    = 1
	headLength = 2 + len(Writer{}) + len(apikey.ID{})
	codeLength = 16
	// maxLength of an id: no job is longer.
	maxLength = (headLength+5*binary.MaxVarintLen64+codeLength)*4/3 + 1
)

// ID is the id of the job in the log of the secret.
func (j *Job) ID(secret Secret) string {
	text := make([]byte, 0, headLength+5*binary.MaxVarintLen64+codeLength)
	text = append(text, version, signalNumber(j.Signal))
	text = append(text, j.Writer[:]...)
	text = append(text, j.Key[:]...)
	for _, n := range [...]uint64{j.Batch, j.Request, uint64(j.Accepted), uint64(j.Rejected), uint64(max(j.At.UnixMilli(), 0))} {
		text = binary.AppendUvarint(text, n)
	}
	text = append(text, code(text, secret)...)
	return base64.RawURLEncoding.EncodeToString(text)
}

func code(text []byte, secret Secret) []byte {
	mac := hmac.New(sha256.New, secret[:])
	mac.Write(text)
	return mac.Sum(nil)[:codeLength]
}

// Claim is what an id says before anything proves it.
type Claim struct {
	Job
	signed, code []byte
}

// ErrID means that a text is no job id.
var ErrID = errors.New("not a job id")

// Parse reads an id. A job has one spelling.
func Parse(id string) (*Claim, error) {
	if len(id) > maxLength {
		return nil, ErrID
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(id)
	if err != nil || len(text) < headLength+codeLength || text[0] != version {
		return nil, ErrID
	}
	c := &Claim{signed: text[:len(text)-codeLength], code: text[len(text)-codeLength:]}
	if c.Signal, err = signalOf(text[1]); err != nil {
		return nil, err
	}
	rest := c.signed[2:]
	rest = rest[copy(c.Writer[:], rest):]
	rest = rest[copy(c.Key[:], rest):]
	var numbers [5]uint64
	for i := range numbers {
		n, width := binary.Uvarint(rest)
		if width <= 0 || n > math.MaxInt64 || width > 1 && rest[width-1] == 0 {
			return nil, ErrID
		}
		numbers[i], rest = n, rest[width:]
	}
	if len(rest) > 0 {
		return nil, ErrID
	}
	c.Batch, c.Request, c.Accepted, c.Rejected = numbers[0], numbers[1], int(numbers[2]), int(numbers[3])
	c.At = time.UnixMilli(int64(numbers[4])).UTC()
	return c, nil
}

// ProvenBy reports whether the id was made under the secret.
func (c *Claim) ProvenBy(secret Secret) bool { return hmac.Equal(c.code, code(c.signed, secret)) }

func signalNumber(signal pipeline.Signal) byte {
	switch signal {
	case pipeline.SignalTraces:
		return 1
	case pipeline.SignalMetrics:
		return 2
	default:
		return 3
	}
}

func signalOf(number byte) (pipeline.Signal, error) {
	switch number {
	case 1:
		return pipeline.SignalTraces, nil
	case 2:
		return pipeline.SignalMetrics, nil
	case 3:
		return pipeline.SignalLogs, nil
	default:
		return pipeline.Signal{}, ErrID
	}
}
