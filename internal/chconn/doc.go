// Package chconn connects to ClickHouse, and knows what its errors mean.
//
// An endpoint is the URL of ClickHouse's HTTP interface. Inserts go over HTTP,
// because only there does the server take blocks that are already encoded.
package chconn
