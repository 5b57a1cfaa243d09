package chconn

import (
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"
)

// Written is how many rows the server says that a statement has written, those of
// materialized views among them.
type Written struct{ rows atomic.Uint64 }

// Rows is 0 before the answer, and from a server that does not say.
func (w *Written) Rows() uint64 { return w.rows.Load() }

type writtenKey struct{}

// WithWritten returns a context for one statement, and what will be written by it.
func WithWritten(ctx context.Context) (context.Context, *Written) {
	w := &Written{}
	return context.WithValue(ctx, writtenKey{}, w), w
}

// summaryReader reads the summary with which ClickHouse ends a statement
// (https://clickhouse.com/docs/interfaces/http#response-headers), which
// clickhouse-go does not hand on.
type summaryReader struct{ next http.RoundTripper }

func (s summaryReader) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := s.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	w, wanted := request.Context().Value(writtenKey{}).(*Written)
	if !wanted {
		return response, nil
	}
	var summary struct {
		WrittenRows uint64 `json:"written_rows,string"`
	}
	if json.Unmarshal([]byte(response.Header.Get("X-ClickHouse-Summary")), &summary) == nil {
		w.rows.Store(summary.WrittenRows)
	}
	return response, nil
}
