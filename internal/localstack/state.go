package localstack

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/telemetryflow/telemetryflow/internal/migrate"
)

// loopback is the only address that the servers behind the collector listen on.
const loopback = "127.0.0.1"

// The names under which the stack's databases are made.
const (
	databaseName      = "telemetryflow"
	postgresSuperuser = "postgres"
	engineUser        = "telemetryflow"
)

// State is what a data folder remembers between runs: the ports of the servers,
// kept when they are still free, and their passwords. The file is the caller's
// alone (0600).
type State struct {
	PostgresPort     int    `json:"postgres_port"`
	PostgresPassword string `json:"postgres_password"`
	AppPassword      string `json:"postgres_app_password"`
	IngestPassword   string `json:"postgres_ingest_password"`
	RedisPort        int    `json:"redis_port"`
	RedisPassword    string `json:"redis_password"`
	EnginePort       int    `json:"engine_port"`
	EnginePassword   string `json:"engine_password"`
	HealthPort       int    `json:"collector_health_port"`
	AgentHealthPort  int    `json:"agent_health_port"`
	QueryAdminPort   int    `json:"query_admin_port"`
	MasterKey        string `json:"master_key"` // base64; seals secrets in PostgreSQL
}

// LoadState reads the state of the stack in a data folder.
func LoadState(dataDir string) (*State, error) {
	f := folders{root: dataDir}
	text, err := os.ReadFile(f.state())
	if err != nil {
		return nil, fmt.Errorf("read the state of the local stack (`telemetryflow up` makes it): %w", err)
	}
	state := &State{}
	if err := json.Unmarshal(text, state); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.state(), err)
	}
	return state, nil
}

// PostgresURL is the superuser's address of a database.
func (s *State) PostgresURL(database string) string {
	return s.postgresURL(postgresSuperuser, s.PostgresPassword, database)
}

// AppURL is the address of the database as the role of administration.
func (s *State) AppURL() string { return s.postgresURL(migrate.AppRole, s.AppPassword, databaseName) }

// IngestURL is the address of the database as the collector's role.
func (s *State) IngestURL() string {
	return s.postgresURL(migrate.IngestRole, s.IngestPassword, databaseName)
}

func (s *State) postgresURL(user, password, database string) string {
	return (&url.URL{
		Scheme: "postgres", User: url.UserPassword(user, password),
		Host: hostPort(s.PostgresPort), Path: "/" + database, RawQuery: "sslmode=disable",
	}).String()
}

// RedisURL is the address of Redis.
func (s *State) RedisURL() string {
	return (&url.URL{
		Scheme: "redis", User: url.UserPassword("default", s.RedisPassword), Host: hostPort(s.RedisPort), Path: "/0",
	}).String()
}

// EngineURL is the address of a database of the embedded engine.
func (s *State) EngineURL(database string) string {
	return (&url.URL{
		Scheme: "http", User: url.UserPassword(engineUser, s.EnginePassword), Host: hostPort(s.EnginePort), Path: "/" + database,
	}).String()
}

func hostPort(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// openState loads the state or makes a new one, settles the ports and saves it.
func openState(f *folders) (*State, error) {
	state, err := LoadState(f.root)
	if errors.Is(err, os.ErrNotExist) {
		state, err = &State{
			PostgresPassword: rand.Text(), AppPassword: rand.Text(), IngestPassword: rand.Text(),
			RedisPassword: rand.Text(), EnginePassword: rand.Text(),
		}, nil
	}
	if err != nil {
		return nil, err
	}
	state.complete()
	if err := state.keepPorts(); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the state: %w", err)
	}
	return state, writePrivate(f.state(), append(text, '\n'))
}

// complete gives what a state of an earlier version lacks.
func (s *State) complete() {
	if s.MasterKey == "" {
		var key [32]byte
		_, _ = rand.Read(key[:]) // crypto/rand.Read never fails (Go 1.24)
		s.MasterKey = base64.StdEncoding.EncodeToString(key[:])
	}
}

// keepPorts settles the ports, each of which differs from the others.
func (s *State) keepPorts() error {
	given := make(map[int]bool)
	for _, port := range [...]*int{&s.PostgresPort, &s.RedisPort, &s.EnginePort, &s.HealthPort, &s.AgentHealthPort, &s.QueryAdminPort} {
		var err error
		for *port, err = keepPort(*port); err == nil && given[*port]; {
			*port, err = FreePort()
		}
		if err != nil {
			return err
		}
		given[*port] = true
	}
	return nil
}

// writePrivate replaces a file that only the caller may read, whole or not at all.
func writePrivate(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-") // 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(file.Name()) // no effect once it is renamed
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
