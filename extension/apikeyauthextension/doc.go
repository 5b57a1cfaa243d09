// Package apikeyauthextension authenticates by TelemetryFlow API keys: incoming
// calls of any receiver (server), and outgoing calls of an agent's exporters
// (client).
package apikeyauthextension
