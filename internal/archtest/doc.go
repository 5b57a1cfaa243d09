// Package archtest fails the build when an import goes against the layout: data
// flows one way, components and technologies do not know their siblings, and
// only cmd/telemetryflow wires them together. docs/architecture.md has the picture.
package archtest
