// Package localstack runs the whole system on one machine, for a first look and
// for development: the embedded engine, PostgreSQL, Redis, the migrations, the
// first-run set-up, the collector and an agent that sends the machine's own
// telemetry.
//
// [Run] is the package. It owns one data folder, starts every program as a child
// process, waits until each answers, starts again what crashes, and stops all of
// it, last started first, when its context ends. A lock makes a second run on the
// same folder fail; the kernel ends the children when the supervisor is killed.
package localstack
