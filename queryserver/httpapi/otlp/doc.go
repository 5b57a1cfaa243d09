// Package otlp writes what was stored as OTLP again. What is left out is what was not sent:
// a list of resources with their scopes with their spans, each resource and scope once per
// set, in the order in which they are first needed; attributes in the order sent.
package otlp
