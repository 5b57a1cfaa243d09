// Package results keeps what the runs of a campaign found, so that it may go on where
// it stopped, and prints it as one table.
package results

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Round is one run of one fault, or of several of the same in a row.
type Round struct {
	Fault string    `json:"fault"`
	At    time.Time `json:"at"`
	// Kills counts those that hit unacknowledged requests or uncommitted batches;
	// others are Idle.
	Times int `json:"times"`
	Kills int `json:"kills,omitempty"`
	Idle  int `json:"idle,omitempty"`

	Acked   int `json:"acked"`
	Refused int `json:"refused"`
	Unknown int `json:"unknown"`
	Lost    int `json:"lost"`
	Doubled int `json:"doubled"`
	Ghosts  int `json:"ghosts"`
	// Views is what is wrong with tables behind materialized views.
	Views []string `json:"views,omitempty"`
	// Recovery is the longest time until the system served again, or until all that
	// waited was stored, as the fault has it.
	Recovery time.Duration `json:"recovery"`
	// KnownBad names the build that must be caught; empty is the real one.
	KnownBad string `json:"known_bad,omitempty"`
	Caught   bool   `json:"caught,omitempty"`
	Failed   string `json:"failed,omitempty"` // what else went wrong
}

// Good says that the round found nothing wrong.
func (r *Round) Good() bool {
	return r.Lost == 0 && r.Doubled == 0 && r.Ghosts == 0 && len(r.Views) == 0 && r.Failed == ""
}

const file = "rounds.jsonl"

// Append adds a round to those in a folder.
func Append(folder string, round *Round) error {
	text, err := json.Marshal(round)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return fmt.Errorf("keep the results: %w", err)
	}
	out, err := os.OpenFile(filepath.Join(folder, file), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keep the results: %w", err)
	}
	_, err = out.Write(append(text, '\n'))
	return errors.Join(err, out.Close())
}

// Read returns the rounds in a folder.
func Read(folder string) ([]*Round, error) {
	in, err := os.Open(filepath.Join(folder, file))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the results: %w", err)
	}
	defer in.Close()
	var rounds []*Round
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		round := &Round{}
		if err := json.Unmarshal(lines.Bytes(), round); err != nil {
			return nil, fmt.Errorf("read the results: %w", err)
		}
		rounds = append(rounds, round)
	}
	return rounds, lines.Err()
}

// Kills is how many kills of a fault have been done with the real build.
func Kills(rounds []*Round, fault string) (n int) {
	for _, r := range rounds {
		if r.Fault == fault && r.KnownBad == "" {
			n += r.Kills
		}
	}
	return n
}
