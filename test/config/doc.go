// Package config starts every file of config/ with the real collector and sends
// through it with a real key.
package config
