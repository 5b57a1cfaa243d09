// Package corpus makes the OTLP requests that the ingest benchmark sends: bodies
// that are encoded once, before any clock starts, and of which only the times, ids
// and values are set anew before each sending.
//
//	bodies, err := corpus.New(corpus.Config{Seed: 1, RequestItems: 512, Owners: 4, Bodies: 64}, corpus.Traces)
//	request := bodies[0].Next(time.Now())
//
// The same seed gives the same bodies, so that every pipeline is sent the same data.
package corpus
