// Package stored reads back what became of the items of a load: from the tables they
// went to and from those behind materialized views.
package stored

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/telemetryflow/telemetryflow/test/chaos/internal/load"
)

// Engine is where to ask: not through a fault proxy.
type Engine struct {
	Addr     string
	User     string
	Password string
	Database string
}

// URL is the address of the database, through another address or, with "", its own.
func (e *Engine) URL(through string) string {
	if through == "" {
		through = e.Addr
	}
	return (&url.URL{Scheme: "http", User: url.UserPassword(e.User, e.Password), Host: through, Path: "/" + e.Database}).String()
}

// Exec runs a statement.
func (e *Engine) Exec(ctx context.Context, statement string, arguments ...any) error {
	_, err := e.ask(ctx, "", fmt.Sprintf(statement, arguments...))
	return err
}

// Int asks for one number.
func (e *Engine) Int(ctx context.Context, query string, arguments ...any) (int, error) {
	text, err := e.ask(ctx, "TabSeparated", fmt.Sprintf(query, arguments...))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// Text asks for lines of values between tabs.
func (e *Engine) Text(ctx context.Context, query string, arguments ...any) (string, error) {
	text, err := e.ask(ctx, "TabSeparated", fmt.Sprintf(query, arguments...))
	return strings.TrimSpace(string(text)), err
}

// table is where the items of a kind are, and where in a row their number is.
type table struct{ name, number string }

// The numbers of gauges are exact as doubles: they stay far below 2^53.
var tables = map[load.Kind]table{
	load.Spans:      {"spans", "toUInt64(span_attributes['" + load.NumberAttribute + "'])"},
	load.Records:    {"logs", "toUInt64(log_attributes['" + load.NumberAttribute + "'])"},
	load.Gauges:     {"metric_samples", "toUInt64(value)"},
	load.Histograms: {"metric_histogram_samples", "count"},
}

// Table is where the items of a kind are.
func Table(kind load.Kind) string { return tables[kind].name }

// Numbers are those of a stream's rows, each as often as it is stored.
func (e *Engine) Numbers(ctx context.Context, stream load.Stream) ([]uint64, error) {
	t := tables[stream.Kind]
	data, err := e.ask(ctx, "RowBinary", fmt.Sprintf("SELECT %s FROM %s WHERE service_name = '%s'", t.number, t.name, stream.Name))
	if err != nil {
		return nil, err
	}
	numbers := make([]uint64, 0, len(data)/8)
	for ; len(data) >= 8; data = data[8:] {
		numbers = append(numbers, binary.LittleEndian.Uint64(data))
	}
	if len(data) != 0 {
		return nil, errors.New("the engine's answer ends within a number")
	}
	return numbers, nil
}

func (e *Engine) ask(ctx context.Context, format, query string) ([]byte, error) {
	address := "http://" + e.Addr + "/?" + url.Values{
		"database": {e.Database}, "default_format": {format}, "wait_end_of_query": {"1"},
	}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(query))
	if err != nil {
		return nil, err
	}
	request.SetBasicAuth(e.User, e.Password)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", query, strings.TrimSpace(string(answer)))
	}
	return answer, err
}

// Buckets are the Unix times at which buckets begin that hold rows of the streams with
// a prefix.
func (e *Engine) Buckets(ctx context.Context, kind load.Kind, prefix string, size time.Duration) ([]int64, error) {
	text, err := e.Text(ctx, "SELECT DISTINCT toUnixTimestamp(toStartOfInterval(timestamp, INTERVAL %d SECOND)) FROM %s WHERE startsWith(service_name, '%s-')",
		int(size.Seconds()), Table(kind), prefix)
	if err != nil {
		return nil, err
	}
	var buckets []int64
	for _, line := range strings.Fields(text) {
		at, err := strconv.ParseInt(line, 10, 64)
		if err != nil {
			return nil, err
		}
		buckets = append(buckets, at)
	}
	return buckets, nil
}
