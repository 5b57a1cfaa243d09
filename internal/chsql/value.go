package chsql

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Value is a typed value, in the escaped text form in which ClickHouse reads parameters
// (https://clickhouse.com/docs/interfaces/http#cli-queries-with-parameters).
type Value struct{ kind, text string }

func (v Value) appendTo(to *Expr) {
	to.write("")
	to.args = append(to.args, v)
	to.parts = append(to.parts, "")
}

// escaped are the characters that end a value or begin an escape, and NUL.
var escaped = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`) //nolint:gochecknoglobals // a constant

// quoted is for strings in arrays.
var quoted = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`) //nolint:gochecknoglobals // a constant

// String is a String: any bytes.
func String(v string) Value { return Value{"String", escaped.Replace(v)} }

// Strings is an Array(String).
func Strings(values []string) Value {
	return array("Array(String)", values, func(v string) string { return "'" + quoted.Replace(v) + "'" })
}

// Int64 is an Int64.
func Int64(v int64) Value { return Value{"Int64", strconv.FormatInt(v, 10)} }

// UInt64 is a UInt64.
func UInt64(v uint64) Value { return Value{"UInt64", strconv.FormatUint(v, 10)} }

// UInt64s is an Array(UInt64).
func UInt64s(values []uint64) Value {
	return array("Array(UInt64)", values, func(v uint64) string { return strconv.FormatUint(v, 10) })
}

// Float64 is a Float64, infinities and NaN included.
func Float64(v float64) Value { return Value{"Float64", float(v)} }

// Float64s is an Array(Float64).
func Float64s(values []float64) Value { return array("Array(Float64)", values, float) }

func float(v float64) string {
	switch {
	case math.IsNaN(v):
		return "nan"
	case math.IsInf(v, 1):
		return "inf"
	case math.IsInf(v, -1):
		return "-inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// Bool is a Bool.
func Bool(v bool) Value { return Value{"Bool", strconv.FormatBool(v)} }

// UUID is a UUID in its text form.
func UUID(text interface{ String() string }) Value { return Value{"UUID", text.String()} }

// Time is a DateTime64(9, 'UTC'), from 1900 to 2262; times outside become its ends.
func Time(v time.Time) Value {
	const layout = "2006-01-02 15:04:05.000000000"
	v = v.UTC()
	if first := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC); v.Before(first) {
		v = first
	}
	if last := time.Unix(0, math.MaxInt64).UTC(); v.After(last) {
		v = last
	}
	return Value{"DateTime64(9, 'UTC')", v.Format(layout)}
}

// Date is a Date in UTC, from 1970 to 2149.
func Date(v time.Time) Value { return Value{"Date", v.UTC().Format(time.DateOnly)} }

func array[T any](kind string, values []T, write func(T) string) Value {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = write(v)
	}
	return Value{kind, "[" + strings.Join(texts, ",") + "]"}
}
