// Package telemetrytest stores telemetry for tests of the read path, as the collector
// does: by the exporter, into a private database of the real engine.
//
//	w := telemetrytest.New(t)
//	w.Logs(t, w.Tenant, records)
package telemetrytest
