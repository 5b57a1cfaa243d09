//go:build linux

package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/localstack/stacktest"
)

// generated is one run of telemetrygen and where its items are read.
type generated struct {
	name      string
	arguments []string
	relation  string
	items     int
}

// telemetrygen's default rate is one a second, and its SDK drops spans when they
// come faster than its queue empties; at these rates it does not.
var generatedRuns = []generated{
	{"traces", []string{"traces", "--traces", "200", "--child-spans", "2", "--rate", "2000", "--workers", "1"}, "spans_v3", 600},
	{"logs", []string{"logs", "--logs", "300", "--rate", "0", "--workers", "1"}, "logs_v3", 300},
	{"gauge", []string{"metrics", "--metrics", "300", "--metric-type", "Gauge", "--rate", "0"}, "metrics_v3", 300},
	{"sum", []string{"metrics", "--metrics", "300", "--metric-type", "Sum", "--rate", "0"}, "metrics_v3", 300},
	{"histogram", []string{"metrics", "--metrics", "300", "--metric-type", "Histogram", "--rate", "0"}, "metric_histograms", 300},
	{"exponential", []string{"metrics", "--metrics", "300", "--metric-type", "ExponentialHistogram", "--rate", "0"}, "metric_histograms", 300},
}

func testTelemetrygen(t *testing.T, stack *stacktest.Stack, owner owner) {
	program := filepath.Join(stacktest.Root(t), "bin", "tools", "telemetrygen")
	for _, protocol := range []string{"grpc", "http"} {
		for _, run := range generatedRuns {
			t.Run(protocol+" "+run.name, func(t *testing.T) {
				service := "telemetrygen-" + protocol + "-" + run.name
				arguments := append([]string{}, run.arguments...)
				arguments = append(arguments, "--otlp-insecure", "--service", service,
					"--otlp-header", fmt.Sprintf("X-API-Key-ID=%q", owner.key.id), "--otlp-header", fmt.Sprintf("X-API-Key-Secret=%q", owner.key.secret))
				if protocol == "http" {
					arguments = append(arguments, "--otlp-http", "--otlp-endpoint", "127.0.0.1:"+strconv.Itoa(stack.HTTPPort))
				} else {
					arguments = append(arguments, "--otlp-endpoint", "127.0.0.1:"+strconv.Itoa(stack.GRPCPort))
				}
				ctx, cancel := context.WithTimeout(t.Context(), stacktest.Patience)
				defer cancel()
				output, err := exec.CommandContext(ctx, program, arguments...).CombinedOutput()
				require.NoError(t, err, "%s", output)
				// Its exit code is 0 even when every export was refused: the rows tell.
				stack.AwaitQuery(t, strconv.Itoa(run.items)+"\t"+owner.tenant,
					"SELECT count(), arrayStringConcat(groupUniqArray(toString(tenant_id))) FROM %s WHERE service_name = '%s'", run.relation, service)
			})
		}
	}
}
