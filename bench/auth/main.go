//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/telemetryflow/telemetryflow/bench/internal/harness"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	options, err := parseOptions(os.Args[1:])
	if err == nil {
		err = harness.Run(ctx, func(t testing.TB) error { return benchmark(t, options, os.Stdout) })
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench-auth:", err)
		os.Exit(1) //nolint:gocritic // stop only restores signals
	}
}

// options are the flags.
type options struct {
	parts  string
	rounds int
	logins int // of each client and round
	calls  int // of each kind of proof and round
	replay int // requests
	quiet  int // requests of each side of a round beside wrong logins
}

func parseOptions(arguments []string) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("bench-auth", flag.ContinueOnError)
	flags.StringVar(&o.parts, "parts", "login,request,replay,guess", "what to measure")
	flags.IntVar(&o.rounds, "rounds", 5, "how often each side of a pair has its turn")
	flags.IntVar(&o.logins, "logins", 40, "logins, and hashes, of each of four clients in a round")
	flags.IntVar(&o.calls, "calls", 4000, "requests of each kind of proof in a round")
	flags.IntVar(&o.replay, "replay", 6000, "requests of the mixed traffic")
	flags.IntVar(&o.quiet, "beside", 1500, "requests in each half of a round of wrong logins")
	return o, flags.Parse(arguments)
}

// benchmark prints the figures.
func benchmark(t testing.TB, o *options, out io.Writer) error {
	for _, part := range strings.Split(o.parts, ",") {
		measure, known := map[string]func(testing.TB, *options, io.Writer) error{
			"login": measureLogins, "request": measureRequests, "replay": measureReplay, "guess": measureGuesses,
		}[part]
		if !known {
			return fmt.Errorf("parts: %q is none of login, request, replay and guess", part)
		}
		if err := measure(t, o, out); err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
	}
	return nil
}
