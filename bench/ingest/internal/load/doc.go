// Package load is the benchmark's load: a process of its own, so that what it uses
// is not counted with the collector, and so that no pause of the measuring program
// delays a request.
//
// The measuring program starts it with [Start], which returns when every request
// is encoded and every key has been used once; [Process.Run] starts the clock. A
// load has either a fixed number of items, sent as fast as they are acknowledged,
// or a fixed rate, at which requests leave at scheduled times whatever becomes of
// those before them: a late answer is charged to the pipeline, not skipped.
package load
