package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/telemetryflow/telemetryflow/internal/chdb"
	"github.com/telemetryflow/telemetryflow/internal/chdb/statement"
)

// externalTable says how a part of a multipart body becomes a temporary table.
type externalTable struct {
	format    string
	structure string // "a UInt8, b String"
	types     string // "UInt8,String": columns _1, _2, …
}

func (t *externalTable) set(suffix, value string) {
	switch suffix {
	case "_format":
		t.format = value
	case "_structure":
		t.structure = value
	case "_types":
		t.types = value
	}
}

// columns are the table's columns as CREATE TABLE takes them.
func (t *externalTable) columns() string {
	if t.structure != "" || t.types == "" {
		return t.structure
	}
	var columns []string
	for i, name := range strings.Split(t.types, ",") {
		columns = append(columns, fmt.Sprintf("_%d %s", i+1, name))
	}
	return strings.Join(columns, ", ")
}

// upload is an external table's data.
type upload struct {
	name string
	data []byte
}

// readParts reads a multipart body: external tables, the query and parameters.
func (e *execution) readParts(r *http.Request) error {
	_, boundary, ok := strings.Cut(r.Header.Get("Content-Type"), "boundary=")
	if !ok {
		return badParameter("multipart body without a boundary")
	}
	parts := multipart.NewReader(e.body, strings.Trim(boundary, `"`))
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return badParameter("multipart body: %v", err)
		}
		data, err := io.ReadAll(io.LimitReader(part, e.server.options.MaxBuffered+1))
		if err != nil {
			return badParameter("multipart body: %v", err)
		}
		if int64(len(data)) > e.server.options.MaxBuffered {
			return chdb.NewException(chdb.CodeTooManyBytes, "TOO_MANY_BYTES", "external table %s is larger than --max-buffered-result", part.FormName())
		}
		if err := e.part(part.FormName(), part.FileName() != "" || e.call.tables[part.FormName()] != (externalTable{}), data); err != nil {
			return err
		}
	}
	e.text = e.call.query
	e.statement = statement.Parse(e.text)
	e.body = strings.NewReader("")
	return nil
}

func (e *execution) part(name string, isTable bool, data []byte) error {
	if isTable {
		e.uploads = append(e.uploads, upload{name: name, data: data})
		return nil
	}
	if name == "query" {
		e.call.query += string(data)
		return nil
	}
	return e.call.parameter(name, string(data))
}

// upload makes the external tables, on the connection that runs the statement.
func (e *execution) upload(ctx context.Context) error {
	for _, u := range e.uploads {
		table := e.call.tables[u.name]
		if table.columns() == "" {
			return badParameter("external table %s has neither %s_structure nor %s_types", u.name, u.name, u.name)
		}
		if table.format == "" {
			table.format = defaultFormat
		}
		e.lease.KeepsTemporary()
		name := "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(u.name) + "`"
		create := chdb.Query{SQL: "CREATE OR REPLACE TEMPORARY TABLE " + name + " (" + table.columns() + ") ENGINE = Memory", Format: "Null"}
		if _, err := e.lease.Execute(ctx, create, nil); err != nil {
			return err
		}
		if err := e.fill(ctx, "INSERT INTO "+name, table.format, u.data); err != nil {
			return err
		}
	}
	return nil
}

func (e *execution) fill(ctx context.Context, sql, format string, data []byte) error {
	insert, err := e.lease.Insert(ctx, chdb.Query{SQL: sql, Format: format})
	if err != nil {
		return err
	}
	defer insert.Close()
	if _, err := insert.Write(data); err != nil {
		return err
	}
	_, err = insert.Commit()
	return err
}
