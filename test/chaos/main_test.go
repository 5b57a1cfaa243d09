//go:build linux

package chaos

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/load"
)

// The size of a run. The defaults are the short form.
var (
	flagKills    = flag.Int("chaos.kills", 3, "kills of the collector under load; a fifth as many of the engine, a tenth as many double ones")
	flagRate     = flag.Int("chaos.rate", 3000, "items per second; full load is 15000")
	flagState    = flag.String("chaos.state", "", "folder that keeps the results, where the campaign goes on; empty for none")
	flagFault    = flag.Duration("chaos.fault", 500*time.Millisecond, "how long a fault lasts")
	flagOutage   = flag.Duration("chaos.outage", 6*time.Second, "how long the engine is away in the case of a long outage")
	flagOverload = flag.Duration("chaos.overload", 6*time.Second, "how long clients send more than is taken")
	flagKnownBad = flag.String("chaos.knownbad", noSync, "known-bad builds to catch, by build tag, with commas; all of them for all")
)

// The test binary is also the load process.
func TestMain(m *testing.M) {
	described, err := load.Main()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	case !described:
		os.Exit(m.Run())
	}
}
