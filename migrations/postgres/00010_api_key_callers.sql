-- API keys call the query server too, which judges them as collectors do: it finds a key
-- by its id, records its use, and shares what lies in Redis. It still reads no hash but
-- that of a key whose id it was given; with the right to make keys it gains nothing.

-- +goose Up
GRANT EXECUTE ON FUNCTION find_api_key(text), used_api_keys(text[], timestamptz[]), read_api_key_cache_secret() TO telemetryflow_app;

-- +goose Down
REVOKE EXECUTE ON FUNCTION find_api_key(text), used_api_keys(text[], timestamptz[]), read_api_key_cache_secret() FROM telemetryflow_app;
