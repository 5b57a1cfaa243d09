package main

import (
	"context"
	"log/slog"

	"go.uber.org/zap/zapcore"
)

// slogCore lets a part that is shared with the collector, and so logs by zap, log with the
// rest of the program.
type slogCore struct{ logger *slog.Logger }

// Enabled is that of zapcore.Core, as are the methods below.
func (c slogCore) Enabled(level zapcore.Level) bool {
	return c.logger.Enabled(context.Background(), slogLevel(level))
}

// With adds fields.
func (c slogCore) With(fields []zapcore.Field) zapcore.Core {
	return slogCore{slog.New(c.logger.Handler().WithAttrs(attributes(fields)))}
}

// Check takes an entry of a level that is logged.
func (c slogCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) {
		return checked.AddCore(entry, c)
	}
	return checked
}

// Write logs an entry.
func (c slogCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	c.logger.LogAttrs(context.Background(), slogLevel(entry.Level), entry.Message, attributes(fields)...)
	return nil
}

// Sync has nothing to do.
func (c slogCore) Sync() error { return nil }

func attributes(fields []zapcore.Field) []slog.Attr {
	encoder := zapcore.NewMapObjectEncoder()
	for _, field := range fields {
		field.AddTo(encoder)
	}
	all := make([]slog.Attr, 0, len(encoder.Fields))
	for name, value := range encoder.Fields {
		all = append(all, slog.Any(name, value))
	}
	return all
}

func slogLevel(level zapcore.Level) slog.Level {
	switch {
	case level < zapcore.InfoLevel:
		return slog.LevelDebug
	case level < zapcore.WarnLevel:
		return slog.LevelInfo
	case level < zapcore.ErrorLevel:
		return slog.LevelWarn
	default:
		return slog.LevelError
	}
}
