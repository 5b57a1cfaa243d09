package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/telemetryflow/telemetryflow/internal/localstack"
	"github.com/telemetryflow/telemetryflow/internal/postgres"
)

// metadata says where the PostgreSQL of a command is.
type metadata struct{ url, dataDir string }

func (m *metadata) flags(command *cobra.Command) {
	set := command.PersistentFlags()
	set.StringVar(&m.url, "postgres-url", "",
		"PostgreSQL as telemetryflow_app, or as a member of it such as telemetryflow_owner (TELEMETRYFLOW_POSTGRES_URL)")
	set.StringVar(&m.dataDir, "data-dir", "", "folder of a local stack, whose PostgreSQL it is ("+localstack.DefaultDataDir+" when nothing else is named)")
	command.MarkFlagsMutuallyExclusive("postgres-url", "data-dir")
}

func (m *metadata) open() (*postgres.Pool, error) {
	url, err := m.find()
	if err != nil {
		return nil, err
	}
	return postgres.Open(url, postgres.App)
}

// find takes what was named, then the environment, then the stack of this folder.
func (m *metadata) find() (string, error) {
	if m.url != "" {
		return m.url, nil
	}
	dataDir := m.dataDir
	if dataDir == "" {
		if url := os.Getenv("TELEMETRYFLOW_POSTGRES_URL"); url != "" {
			return url, nil
		}
		dataDir = localstack.DefaultDataDir
	}
	state, err := localstack.LoadState(dataDir)
	if errors.Is(err, os.ErrNotExist) {
		return "", errors.New("where is PostgreSQL? Set --postgres-url or TELEMETRYFLOW_POSTGRES_URL, " +
			"or name the folder of a local stack by --data-dir: there is none in " + dataDir)
	}
	if err != nil {
		return "", err
	}
	return state.AppURL(), nil
}
