// Package otlpout writes items as the OTLP that they came as.
//
// What comes out is one export request of the signal, whatever its length: pieces of
// protobuf that follow each other are one message (its fields repeat), and the pieces of
// JSON are joined into one document.
//
// The canonical form in which what went in and what comes out are equal: items stand in
// the order of the query, those of a piece with equal resource and scope together; absent
// messages are empty ones, an id of zeros is none, what is not UTF-8 is U+FFFD. Attributes
// keep their order, repeated keys and types.
package otlpout
