// Command report prints what a campaign in a folder has found so far.
package main

import (
	"fmt"
	"os"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/results"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: report FOLDER")
		os.Exit(2)
	}
	rounds, err := results.Read(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
	if !results.Print(os.Stdout, rounds) {
		os.Exit(1)
	}
}
