package redisurl_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/redisurl"
)

func TestParse_ASVS_12_3_2(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"unix:///run/redis.sock", "redis://localhost:6379", "redis://127.0.0.1:6379/1", "redis://[::1]:6379",
		"rediss://user:hunter2@cache.example.com:6380/0", "redis://cache.example.com:6379?insecure=true", "rediss://10.0.0.7:6379?skip_verify=true&insecure=true",
	} {
		_, err := redisurl.Parse(good)
		require.NoError(t, err, good)
	}
	options, err := redisurl.Parse("rediss://cache.example.com")
	require.NoError(t, err)
	require.False(t, options.TLSConfig.InsecureSkipVerify)
	require.Equal(t, "cache.example.com", options.TLSConfig.ServerName)
	for _, bad := range []string{
		"redis://user:hunter2@cache.example.com:6379", "redis://10.0.0.7", "rediss://cache.example.com?skip_verify=true",
		"redis://cache.example.com?insecure=false", "http://user:hunter2@x", "redis://user:hunter2@\x7f",
	} {
		_, err := redisurl.Parse(bad)
		require.Error(t, err, bad)
		require.NotContains(t, err.Error(), "hunter2")
	}
}
