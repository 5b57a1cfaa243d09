package server

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/telemetryflow/telemetryflow/internal/chdb"
)

// call is a request, understood.
type call struct {
	id       string // X-ClickHouse-Query-Id
	query    string // of the URL
	database string
	format   string // default_format
	revision uint64 // client_protocol_version

	settings   chdb.Settings
	parameters chdb.Parameters
	multipart  bool
	tables     map[string]externalTable // of a multipart body

	session      string
	sessionCheck bool
	sessionTime  string
	closeSession bool

	compress       bool // answer in ClickHouse's compressed blocks
	decompress     bool // body is in them
	waitEnd        bool
	bufferSize     int64
	httpCompress   bool
	readOnly       bool
	compressMethod string
}

// defaultBuffer is how much of a result is held back before the status is
// sent, so that an early failure still has a status: ClickHouse's own size.
const defaultBuffer = 1 << 20

// settingName is what may be SET: it becomes part of a statement.
var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)

// parseCall reads a request's URL and headers.
func (s *Server) parseCall(r *http.Request) (*call, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badParameter("the URL's parameters: %v", err)
	}
	c := &call{
		settings:   maps.Clone(s.settings),
		parameters: chdb.Parameters{},
		tables:     map[string]externalTable{},
		database:   r.Header.Get("X-ClickHouse-Database"),
		format:     r.Header.Get("X-ClickHouse-Format"),
		bufferSize: defaultBuffer,
		readOnly:   r.Method == http.MethodGet || r.Method == http.MethodHead,
		multipart:  strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data"),
	}
	for name, all := range values {
		if err := c.parameter(name, all[len(all)-1]); err != nil {
			return nil, err
		}
	}
	if c.id == "" {
		c.id = newID()
	}
	return c, nil
}

// parameter takes one parameter of the URL.
func (c *call) parameter(name, value string) error {
	switch name {
	case "query":
		c.query = value
	case "database":
		c.database = value
	case "default_format":
		c.format = value
	case "query_id":
		c.id = value
	case "session_id":
		c.session = value
	case "session_timeout":
		c.sessionTime = value
	case "session_check":
		c.sessionCheck = truth(value)
	case "close_session":
		c.closeSession = truth(value)
	case "compress":
		c.compress = truth(value)
	case "decompress":
		c.decompress = truth(value)
	case "wait_end_of_query":
		c.waitEnd = truth(value)
	case "enable_http_compression": // ours to act on, and a setting that SQL can ask for
		c.httpCompress = truth(value)
		c.settings[name] = value
	case "network_compression_method":
		c.compressMethod = value
		c.settings[name] = value
	case "readonly":
		// A connection told to be read-only could never be told otherwise.
		c.readOnly = c.readOnly || value != "0"
	case "client_protocol_version", "buffer_size", "http_response_buffer_size":
		return c.number(name, value)
	case "user", "password", "quota_key", "stacktrace", "role":
	default:
		return c.other(name, value)
	}
	return nil
}

func (c *call) number(name, value string) error {
	n, err := strconv.ParseUint(value, 10, 62)
	if err != nil {
		return badParameter("%s is not a number: %q", name, value)
	}
	if name == "client_protocol_version" {
		c.revision = n
		return nil
	}
	if n > 0 { // 0 is the default
		c.bufferSize = int64(n)
	}
	return nil
}

func (c *call) other(name, value string) error {
	if parameter, ok := strings.CutPrefix(name, "param_"); ok {
		c.parameters[parameter] = value
		return nil
	}
	for _, suffix := range []string{"_format", "_structure", "_types"} {
		if table, ok := strings.CutSuffix(name, suffix); ok && c.multipart && table != "" {
			t := c.tables[table]
			t.set(suffix, value)
			c.tables[table] = t
			return nil
		}
	}
	if !settingName.MatchString(name) {
		return chdb.NewException(chdb.CodeUnknownSetting, "UNKNOWN_SETTING", "Unknown setting '%s'", name)
	}
	c.settings[name] = value
	return nil
}

func truth(value string) bool {
	return value == "1" || strings.EqualFold(value, "true")
}

func badParameter(format string, args ...any) error {
	return chdb.NewException(chdb.CodeBadRequestParameter, "BAD_REQUEST_PARAMETER", format, args...)
}
