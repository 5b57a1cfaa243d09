// Package statement tells what a ClickHouse statement is, as far as the HTTP
// front of the embedded engine has to know: whether data follows it and where
// that data begins, which format it asks for, and whether it belongs to the
// few kinds that an embedded engine must not run. It does not judge syntax;
// the engine does.
package statement
