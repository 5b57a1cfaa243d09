// Package deploy runs the samples in deploy/ with the real programs.
package deploy
