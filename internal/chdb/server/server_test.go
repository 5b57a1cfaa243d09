package server_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/telemetryflow/telemetryflow/internal/testkit"
)

const patience = 4 * time.Minute

// ask sends a request as it is.
func ask(t *testing.T, method, address string, body io.Reader, change func(*http.Request)) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, body)
	require.NoError(t, err)
	if change != nil {
		change(request)
	}
	response, err := (&http.Transport{DisableCompression: true}).RoundTrip(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.Header, string(text)
}

func TestServer_Credentials(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(secret, []byte("let-me-in\n"), 0o600))
	database := testkit.NewClickHouseServer(t, "--token-file", secret).Database(t)
	root := "http://" + database.Addr + "/?query=SELECT+1"
	basic := func(user, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	headers := func(pairs ...string) func(*http.Request) {
		return func(r *http.Request) {
			for i := 0; i < len(pairs); i += 2 {
				r.Header.Set(pairs[i], pairs[i+1])
			}
		}
	}
	inURL := func(user, password string) string {
		return root + "&" + url.Values{"user": {user}, "password": {password}}.Encode()
	}
	for name, c := range map[string]struct {
		address string
		change  func(*http.Request)
		good    bool
	}{
		"basic":          {root, basic(database.User, database.Password), true},
		"headers":        {root, headers("X-ClickHouse-User", database.User, "X-ClickHouse-Key", database.Password), true},
		"url":            {inURL(database.User, database.Password), nil, true},
		"token":          {root, headers("Authorization", "Bearer let-me-in"), true},
		"nothing":        {root, nil, false},
		"no password":    {root, basic(database.User, ""), false},
		"wrong password": {root, basic(database.User, "let-me-in"), false},
		"wrong user":     {root, basic("default", database.Password), false},
		"wrong key":      {root, headers("X-ClickHouse-User", database.User, "X-ClickHouse-Key", "x"), false},
		"wrong in url":   {inURL(database.User, "x"), nil, false},
		"wrong token":    {root, headers("Authorization", "Bearer let-me"), false},
		"empty token":    {root, headers("Authorization", "Bearer "), false},
		"password token": {root, headers("Authorization", "Bearer "+database.Password), false},
		"mixed":          {inURL(database.User, database.Password), basic(database.User, "x"), false},
	} {
		status, header, text := ask(t, http.MethodGet, c.address, nil, c.change)
		if c.good {
			require.Equal(t, http.StatusOK, status, "%s: %s", name, text)
			require.Equal(t, "1\n", text, name)
			continue
		}
		require.Equal(t, http.StatusForbidden, status, name)
		require.Equal(t, "516", header.Get("X-ClickHouse-Exception-Code"), name)
		require.NotContains(t, text, database.Password, name)
	}
}

func TestServer_Compression(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	root := "http://" + database.Addr + "/?enable_http_compression=1&database=" + database.Database
	const query = "SELECT number FROM numbers(1000) WHERE number % 500 = 0 ORDER BY number"
	unpack := map[string]func(io.Reader) (io.Reader, error){
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	}
	pack := map[string]func(io.Writer) io.WriteCloser{
		"gzip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"zstd": func(w io.Writer) io.WriteCloser { e, _ := zstd.NewWriter(w); return e },
	}
	for name := range unpack {
		var body bytes.Buffer
		w := pack[name](&body)
		_, err := io.WriteString(w, query)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		packed := body.Bytes()
		encoded := func(r *http.Request) {
			r.SetBasicAuth(database.User, database.Password)
			r.Header.Set("Content-Encoding", name)
			r.Header.Set("Accept-Encoding", name)
		}
		status, header, text := ask(t, http.MethodPost, root, bytes.NewReader(packed), encoded)
		require.Equal(t, http.StatusOK, status, "%s: %s", name, text)
		require.Equal(t, name, header.Get("Content-Encoding"))
		plain, err := unpack[name](strings.NewReader(text))
		require.NoError(t, err)
		got, err := io.ReadAll(plain)
		require.NoError(t, err)
		require.Equal(t, "0\n500\n", string(got))

		status, _, text = ask(t, http.MethodPost, root, bytes.NewReader(packed[:len(packed)-3]), encoded)
		require.GreaterOrEqual(t, status, 400, "%s cut short: %s", name, text)
	}
}

// Many connections at once, each with its own parameters: no answer is another's,
// whatever the text holds. TELEMETRYFLOW_PARAMETER_QUERIES is the number of queries
// of each: a long run takes 100000.
func TestServer_Parameters(t *testing.T) {
	t.Parallel()
	each, err := strconv.Atoi(cmp.Or(os.Getenv("TELEMETRYFLOW_PARAMETER_QUERIES"), "250"))
	require.NoError(t, err)
	database := testkit.NewClickHouseServer(t, "--max-queries", "8").Database(t)
	options, err := clickhouse.ParseDSN(database.URL)
	require.NoError(t, err)
	options.MaxOpenConns = 8
	conn, err := clickhouse.Open(options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	odd := []string{"", "'", `\`, `\'; DROP TABLE x; --`, "\t\n\x00", "{v:String}", "ünï", strings.Repeat("long ", 5000)}
	// ClickHouse reads parameters as its Escaped format, over HTTP as well.
	escape := strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`)
	var workers errgroup.Group
	for worker := range 8 {
		workers.Go(func() error {
			for i := range each {
				want := fmt.Sprintf("%d/%d %s", worker, i, odd[i%len(odd)])
				ctx := clickhouse.Context(t.Context(), clickhouse.WithParameters(clickhouse.Parameters{"v": escape.Replace(want), "n": strconv.Itoa(i)}))
				var text string
				var number uint32
				if err := conn.QueryRow(ctx, "SELECT {v:String}, {n:UInt32}").Scan(&text, &number); err != nil {
					return fmt.Errorf("%.40q: %w", want, err)
				}
				if text != want || number != uint32(i) {
					return fmt.Errorf("got %.60q and %d, want %.60q", text, number, want)
				}
				if i%50 != 0 {
					continue
				}
				// None is left over for whoever gets the handle next.
				var unset *clickhouse.Exception
				err := conn.QueryRow(t.Context(), "SELECT {v:String}").Scan(&text)
				if !errors.As(err, &unset) || unset.Code != unknownParameter {
					return fmt.Errorf("a parameter that nobody gave: %q, %w", text, err)
				}
			}
			return nil
		})
	}
	require.NoError(t, workers.Wait())
}

// unknownParameter is ClickHouse's UNKNOWN_QUERY_PARAMETER.
const unknownParameter = 456

// endless is a statement that never ends by itself, and holds a connection.
const endless = "SELECT number FROM system.numbers SETTINGS max_execution_time = 0"

// begin runs the endless statement and returns when its first row has come.
func begin(t *testing.T, database *testkit.ClickHouseDatabase, id string) (end func(), ended <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+database.Addr+"/?query_id="+id, strings.NewReader(endless))
	require.NoError(t, err)
	request.SetBasicAuth(database.User, database.Password)
	response, err := (&http.Transport{}).RoundTrip(request)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		defer response.Body.Close()
		_, err := io.Copy(io.Discard, response.Body)
		done <- err
	}()
	return cancel, done
}

func requireFree(t *testing.T, database *testkit.ClickHouseDatabase) {
	t.Helper()
	require.Eventually(t, func() bool {
		status, _, _ := post(t, database, "SELECT 1", nil)
		return status == http.StatusOK
	}, patience, 10*time.Millisecond, "the connection is not free again")
}

func TestServer_TooManyQueries(t *testing.T) {
	t.Parallel()
	database := testkit.NewClickHouseServer(t, "--max-queries", "1", "--queue-wait", "200ms").Database(t)
	_, ended := begin(t, database, "holder")
	status, header, text := post(t, database, "SELECT 1", nil)
	require.Equal(t, http.StatusServiceUnavailable, status, text)
	require.Equal(t, "202", header.Get("X-ClickHouse-Exception-Code"))
	require.Contains(t, text, "no connection became free in 200ms")
	status, _, text = post(t, database, "SELECT 1", url.Values{"query_id": {"holder"}})
	require.NotEqual(t, http.StatusOK, status)
	require.Contains(t, text, "is already running")
	status, _, text = post(t, database, "KILL QUERY WHERE query_id = 'holder'", nil)
	require.Equal(t, http.StatusOK, status, text)
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the killed statement goes on")
	}
	requireFree(t, database)
}

func TestServer_DisconnectFreesTheConnection(t *testing.T) {
	t.Parallel()
	database := testkit.NewClickHouseServer(t, "--max-queries", "1", "--queue-wait", "200ms").Database(t)
	for i := range 5 {
		end, _ := begin(t, database, fmt.Sprint("gone", i))
		end()
		requireFree(t, database)
	}
}

func TestServer_StalledReaderIsCut(t *testing.T) {
	t.Parallel()
	database := testkit.NewClickHouseServer(t, "--max-queries", "1", "--queue-wait", "200ms", "--stall-timeout", "300ms").Database(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+database.Addr+"/", strings.NewReader(endless))
	require.NoError(t, err)
	request.SetBasicAuth(database.User, database.Password)
	response, err := (&http.Transport{}).RoundTrip(request)
	require.NoError(t, err)
	defer response.Body.Close() // not read until then
	requireFree(t, database)
}

func TestServer_Refuses(t *testing.T) {
	t.Parallel()
	database := testkit.ClickHouse(t)
	signed := func(r *http.Request) { r.SetBasicAuth(database.User, database.Password) }
	status, header, _ := ask(t, http.MethodDelete, "http://"+database.Addr+"/", nil, signed)
	require.Equal(t, http.StatusNotImplemented, status)
	require.Contains(t, header.Get("Allow"), "POST")
	status, _, _ = ask(t, http.MethodGet, "http://"+database.Addr+"/nowhere", nil, signed)
	require.Equal(t, http.StatusNotFound, status)
	status, _, text := ask(t, http.MethodGet, "http://"+database.Addr+"/?query=CREATE+TABLE+x+(a+Int8)+ENGINE=Memory", nil, signed)
	require.Equal(t, http.StatusInternalServerError, status)
	require.Contains(t, text, "READONLY")
	for sql, code := range map[string]string{
		"SELEC 1": "62", "SELECT * FROM nowhere": "60", "SELECT nowhere": "47", "SELECT nofunction(1)": "46",
		"SELECT throwIf(1)": "395", "SELECT {v:UInt8}": "456",
	} {
		_, header, text := post(t, database, sql, nil)
		require.Equal(t, code, header.Get("X-ClickHouse-Exception-Code"), "%s: %s", sql, text)
	}
}

// No bytes bring the engine down.
func TestServer_Garbage(t *testing.T) {
	t.Parallel()
	database := testkit.NewClickHouseServer(t).Database(t)
	status, _, text := post(t, database, "CREATE TABLE g (a String, b Map(LowCardinality(String), Array(UInt64))) ENGINE = MergeTree ORDER BY a", nil)
	require.Equal(t, http.StatusOK, status, text)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 300 {
		data := make([]byte, random.IntN(200))
		for at := range data {
			data[at] = byte(random.Uint32())
		}
		if i%2 == 0 { // a head that is nearly right
			data = append([]byte("\x02\x01\x01a\x06String"), data...)
		}
		insert := url.Values{"query": {"INSERT INTO g FORMAT Native"}}
		if i%3 == 0 {
			insert.Set("decompress", "1")
		}
		post(t, database, string(data), insert)
		post(t, database, string(data), nil)
	}
	status, _, text = post(t, database, "SELECT 1", nil)
	require.Equal(t, http.StatusOK, status, text)
}
