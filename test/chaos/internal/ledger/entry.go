package ledger

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Outcome is how a request ended for the client.
type Outcome byte

// The outcomes. A larger one says more about what may be stored.
const (
	None    Outcome = iota // never sent
	Refused                // not taken
	Unknown                // no answer
	Acked                  // taken
)

const letters = ".RUA"

func (o Outcome) String() string { return letters[o : o+1] }

// Entry is one attempt to send one request.
type Entry struct {
	Outcome     Outcome
	Stream      string // without spaces
	First       uint64 // number of its first item
	Count       uint64
	Sent, Ended time.Time
	Reason      string // of a refusal, without spaces; "" otherwise
}

// InFlight says whether the collector may have been at work on it at a moment.
func (e Entry) InFlight(at time.Time) bool { return e.Sent.Before(at) && e.Ended.After(at) }

// Writer appends to a ledger. One write is one line, so that no crash leaves half of
// one but at the end.
type Writer struct{ file *os.File }

// Append opens a ledger, which is made if need be.
func Append(path string) (*Writer, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	return &Writer{file: file}, nil
}

// Write appends an entry. It may be called concurrently.
func (w *Writer) Write(e Entry) error {
	reason := e.Reason
	if reason == "" {
		reason = "-"
	}
	line := fmt.Sprintf("%s %s %d %d %d %d %s\n", e.Outcome, e.Stream, e.First, e.Count, e.Sent.UnixNano(), e.Ended.UnixNano(), reason)
	if _, err := w.file.WriteString(line); err != nil {
		return fmt.Errorf("append to the ledger: %w", err)
	}
	return nil
}

// Close closes the file.
func (w *Writer) Close() error { return w.file.Close() }

// Read calls visit for every entry of a ledger in its order, also while it is written.
func Read(path string, visit func(Entry)) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // nothing was sent yet
	}
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	text := string(data[:strings.LastIndexByte(string(data), '\n')+1])
	for line := range strings.Lines(text) {
		e, err := parse(line)
		if err != nil {
			return fmt.Errorf("read the ledger: %q: %w", line, err)
		}
		visit(e)
	}
	return nil
}

func parse(line string) (e Entry, err error) {
	var letter string
	var sent, ended int64
	_, err = fmt.Sscan(line, &letter, &e.Stream, &e.First, &e.Count, &sent, &ended, &e.Reason)
	if err != nil && !errors.Is(err, io.EOF) {
		return Entry{}, err
	}
	known := strings.Index(letters, letter)
	if known < 1 {
		return Entry{}, fmt.Errorf("unknown outcome %q", letter)
	}
	if e.Reason == "-" {
		e.Reason = ""
	}
	e.Outcome, e.Sent, e.Ended = Outcome(known), time.Unix(0, sent), time.Unix(0, ended)
	return e, nil
}
