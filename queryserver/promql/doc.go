// Package promql answers Prometheus' questions by Prometheus' own engine, over the series
// and points that a queryserver.SeriesReader reads.
//
//	service, err := promql.New(settings, store, logger)
//	answer, err := service.EvaluatePromQL(ctx, scope, queryserver.PromQuery{Query: "up", To: now})
//
// What OTLP has sent is shown as Prometheus shows what it receives by OTLP: names.go and
// labels.go translate, matching.go translates selectors back, expand.go and native.go make
// classic series and native histograms of OTLP's points, and delta.go running sums of
// deltas. Parts of a query that the store can evaluate itself, and exactly, are left to it:
// pushdown.go.
package promql
