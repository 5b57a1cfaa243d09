package main

import (
	"github.com/spf13/cobra"

	"github.com/telemetryflow/telemetryflow/internal/chdb/command"
)

func newEngineCommand() *cobra.Command { return command.New() }
