package tenantotlpreceiver

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

var _ confmap.Unmarshaler = (*HTTPConfig)(nil)

// Unmarshal refuses unknown keys. confighttp's own Unmarshal, which the squashed
// section calls, lets them pass, and a limit with a slip in its name would be none.
func (c *HTTPConfig) Unmarshal(conf *confmap.Conf) error {
	if err := conf.Unmarshal(c); err != nil {
		return err
	}
	known := keysOf(reflect.TypeFor[HTTPConfig]())
	for key := range conf.ToStringMap() {
		if !slices.Contains(known, key) {
			return fmt.Errorf("has invalid keys: %s", key)
		}
	}
	return nil
}

// keysOf lists the keys that a configuration struct reads, squashed ones included.
func keysOf(config reflect.Type) []string {
	var keys []string
	for field := range config.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		switch {
		case !field.IsExported() || name == "-":
		case strings.Contains(options, "squash"):
			keys = append(keys, keysOf(field.Type)...)
		case name != "":
			keys = append(keys, name)
		}
	}
	return keys
}
