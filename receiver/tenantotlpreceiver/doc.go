// Package tenantotlpreceiver receives OTLP over gRPC and HTTP from clients that
// hold an API key.
//
// It knows no tenant itself: it runs the configured authenticator, refuses what
// the key may not send before it reads the body, bounds and decodes the body,
// hands the data on, and answers from the request's receipt. Every refusal, on
// either transport, is one [refusal] made in refusal.go. One handler serves the
// three signals; what differs between them is the table in signal.go.
//
//	http.go, grpc.go   the two transports
//	body.go            reading and decompressing an HTTP body within its limit
//	shape.go, wire.go  bounds on nesting and memory, checked before decoding
//	pipeline.go        admit, decode, consume: common to both transports
package tenantotlpreceiver
