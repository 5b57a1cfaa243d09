package localstack

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Summary is what a user needs to know of a running stack. It holds no secret.
type Summary struct {
	GRPC, HTTP   string // OTLP addresses
	Engine       string // the engine's address, without its password
	Query        string // URL of the query server
	KeyID        string
	KeyFile      string // holds id:secret of the first key
	Program      string // telemetryflow, as the user can call it
	DataDirFlag  string // " --data-dir X" when it is not the default
	Unreachable  bool   // our servers run as root: their account cannot reach them
	ExposedClear bool   // OTLP without TLS on an address that others reach
}

func (s *stack) summary() *Summary {
	summary := &Summary{
		GRPC:        s.gateway(s.config.GRPCPort),
		HTTP:        "http://" + s.gateway(s.config.HTTPPort),
		Engine:      "http://" + hostPort(s.state.EnginePort),
		Query:       s.queryURL(),
		KeyID:       s.firstKey.ID,
		KeyFile:     fromHere(s.folders.firstKey()),
		Program:     fromHere(filepath.Join(s.config.ProgramDir, "telemetryflow")),
		Unreachable: s.serverAccount != nil && s.programAccount == nil,
	}
	if data := fromHere(s.folders.root); data != DefaultDataDir {
		summary.DataDirFlag = " --data-dir " + data
	}
	summary.ExposedClear = s.config.Insecure
	return summary
}

// fromHere shortens a path below the working directory.
func fromHere(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if relative, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(relative) {
		return relative
	}
	return path
}

// sendLine sends one span with fresh ids and the present time.
const sendLine = `curl -sS %s/v1/traces -H "Authorization: Bearer $(cat %s)" -H 'Content-Type: application/json' -d ` +
	`'{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"hello"}}]},` +
	`"scopeSpans":[{"spans":[{"traceId":"'$(tr -d - </proc/sys/kernel/random/uuid)'",` +
	`"spanId":"'$(tr -d - </proc/sys/kernel/random/uuid | cut -c17-32)'","name":"first span","kind":2,` +
	`"startTimeUnixNano":"'$(date +%%s%%N)'","endTimeUnixNano":"'$(date +%%s%%N)'"}]}]}]}'`

const readLine = `%s sql%s "SELECT timestamp, service_name, span_name, duration_nano FROM spans_v3 ORDER BY timestamp DESC LIMIT 5"`

// SendLine is a shell line that sends a trace.
func (s *Summary) SendLine() string { return fmt.Sprintf(sendLine, s.HTTP, s.KeyFile) }

// ReadLine is a shell line that reads it back.
func (s *Summary) ReadLine() string { return fmt.Sprintf(readLine, s.Program, s.DataDirFlag) }

// Print writes the summary for a reader at a terminal.
func (s *Summary) Print(w io.Writer) {
	_, _ = fmt.Fprintf(w, `
TelemetryFlow is up. Ctrl-C stops it; the data stays.

  OTLP/gRPC   %s
  OTLP/HTTP   %s
  ClickHouse  %s (the embedded engine)
  Login, API  %s (until the first user is made, above is the link for that)
  API key     %s, with its secret in %s

Send a trace:

  %s

Read it back:

  %s

`, s.GRPC, s.HTTP, s.Engine, s.Query, s.KeyID, s.KeyFile, s.SendLine(), s.ReadLine())
	if s.Unreachable {
		_, _ = fmt.Fprint(w, "Warning: the engine and the collector run as root, because no other account can reach this folder.\n\n")
	}
	if s.ExposedClear {
		_, _ = fmt.Fprint(w, "Warning: --insecure: others can reach the OTLP ports, and API keys cross the network in clear text.\n\n")
	}
}
