// Package server is ClickHouse's HTTP interface over the embedded engine, so
// that clickhouse-go, the contrib exporter, curl and any other client of
// ClickHouse see a server.
//
// A request is read in three steps, each in a file of its own: who calls
// (auth.go), what is asked (request.go, body.go), and how the answer is to be
// written (output.go). query.go joins them: it borrows a connection of the
// right class, runs the statement, and passes the result on block by block.
package server
