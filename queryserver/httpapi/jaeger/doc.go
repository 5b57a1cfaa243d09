// Package jaeger answers as the query service of Jaeger does, so that Jaeger UI and
// Grafana's Jaeger data source can ask: /jaeger/api, whose JSON is Jaeger's own
// (jaegertracing/jaeger, internal/uimodel and cmd/jaeger/internal/extension/jaegerquery),
// and /jaeger/api/v3, whose traces are OTLP/JSON (jaegertracing/jaeger-idl,
// proto/api_v3/query_service.proto).
//
// Parameters that it does not know are left alone, as Jaeger does. What cannot be had: the
// archive, deep dependencies, and the metrics of Jaeger's Monitor page.
package jaeger
