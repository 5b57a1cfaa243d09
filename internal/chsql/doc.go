// Package chsql composes ClickHouse SQL of two things only: text that stands in the
// source of the program, and values that travel beside it as parameters.
//
//	where := chsql.And(
//		chsql.SQL("service_name = ?", chsql.String(service)),
//		chsql.SQL("timestamp >= ?", chsql.Time(from)),
//	)
//	statement := chsql.Select{Columns: …, From: chsql.SQL("logs"), Where: where}.Statement()
//
// No function takes SQL as a string variable: the parameter's type is not exported, so
// that only constants convert to it. Whatever a user writes can thus become a value, and
// never a part of the statement.
package chsql
