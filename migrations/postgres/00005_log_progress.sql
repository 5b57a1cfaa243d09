-- What collectors publish of their write-ahead logs, so that any of them can say what
-- became of a request. No row is of a tenant: they hold numbers of batches.

-- +goose Up
-- A writer is one opening of a log. Its batches below oldest are finished; the secret
-- proves the ids of its requests.
CREATE TABLE log_writers (
    writer  bytea       PRIMARY KEY CHECK (length(writer) = 8),
    secret  bytea       NOT NULL CHECK (length(secret) = 32),
    oldest  bigint      NOT NULL,
    seen_at timestamptz NOT NULL -- when its collector last said so
);

CREATE TABLE log_batches ( -- that are finished
    writer      bytea       NOT NULL,
    batch       bigint      NOT NULL,
    finished_at timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (writer, batch)
);
CREATE INDEX log_batches_expires_at ON log_batches (expires_at);

CREATE TABLE log_dead_requests ( -- with items in the dead letters
    writer  bytea  NOT NULL,
    batch   bigint NOT NULL,
    request bigint NOT NULL,
    items   bigint NOT NULL,
    PRIMARY KEY (writer, batch, request),
    FOREIGN KEY (writer, batch) REFERENCES log_batches ON DELETE CASCADE
);

ALTER TABLE log_writers ENABLE ROW LEVEL SECURITY;
ALTER TABLE log_writers FORCE ROW LEVEL SECURITY;
ALTER TABLE log_batches ENABLE ROW LEVEL SECURITY;
ALTER TABLE log_batches FORCE ROW LEVEL SECURITY;
ALTER TABLE log_dead_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE log_dead_requests FORCE ROW LEVEL SECURITY;
CREATE POLICY in_system ON log_writers TO telemetryflow_owner USING (in_system()) WITH CHECK (in_system());
CREATE POLICY in_system ON log_batches TO telemetryflow_owner USING (in_system()) WITH CHECK (in_system());
CREATE POLICY in_system ON log_dead_requests TO telemetryflow_owner USING (in_system()) WITH CHECK (in_system());

-- publish_log_progress may be repeated: it says what is, not what has changed. The
-- dead items of a batch are those that are given with it. Rows are locked in order, for
-- two collectors may share a log's past.
-- +goose StatementBegin
CREATE FUNCTION publish_log_progress(log_secret bytea, writers bytea[], oldests bigint[],
    batch_writers bytea[], batches bigint[], expiries timestamptz[],
    dead_writers bytea[], dead_batches bigint[], dead_requests bigint[], dead_items bigint[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.log_batches AS b (writer, batch, finished_at, expires_at)
    SELECT f.writer, f.batch, now(), f.expires_at FROM unnest(batch_writers, batches, expiries) AS f (writer, batch, expires_at)
    ORDER BY f.writer, f.batch
    ON CONFLICT (writer, batch) DO UPDATE SET expires_at = EXCLUDED.expires_at;

    DELETE FROM public.log_dead_requests d USING unnest(batch_writers, batches) AS f (writer, batch)
    WHERE d.writer = f.writer AND d.batch = f.batch;
    INSERT INTO public.log_dead_requests (writer, batch, request, items)
    SELECT d.writer, d.batch, d.request, d.items
    FROM unnest(dead_writers, dead_batches, dead_requests, dead_items) AS d (writer, batch, request, items)
    ORDER BY d.writer, d.batch, d.request
    ON CONFLICT (writer, batch, request) DO UPDATE SET items = EXCLUDED.items;

    INSERT INTO public.log_writers AS w (writer, secret, oldest, seen_at)
    SELECT p.writer, log_secret, p.oldest, now() FROM unnest(writers, oldests) AS p (writer, oldest)
    ORDER BY p.writer
    ON CONFLICT (writer) DO UPDATE SET oldest = EXCLUDED.oldest, seen_at = EXCLUDED.seen_at
    WHERE w.secret = EXCLUDED.secret;
END $$;

-- find_log_request returns no row for an unknown writer.
CREATE FUNCTION find_log_request(of_writer bytea, of_batch bigint, of_request bigint)
RETURNS TABLE (secret bytea, oldest bigint, finished boolean, dead bigint) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT w.secret, w.oldest, b.batch IS NOT NULL, COALESCE(d.items, 0)
    FROM public.log_writers w
    LEFT JOIN public.log_batches b ON b.writer = w.writer AND b.batch = of_batch AND b.expires_at > now()
    LEFT JOIN public.log_dead_requests d ON d.writer = b.writer AND d.batch = b.batch AND d.request = of_request
    WHERE w.writer = of_writer
$$;

-- A log whose collector is gone may come back with what it holds; after a month it is
-- taken to be lost.
CREATE FUNCTION expire_log_progress() RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM public.log_batches WHERE (writer, batch) IN (
        SELECT b.writer, b.batch FROM public.log_batches b WHERE b.expires_at <= now()
        ORDER BY b.writer, b.batch FOR UPDATE SKIP LOCKED);
    DELETE FROM public.log_writers WHERE seen_at < now() - interval '30 days';
$$;
-- +goose StatementEnd

GRANT EXECUTE ON FUNCTION publish_log_progress(bytea, bytea[], bigint[], bytea[], bigint[], timestamptz[],
    bytea[], bigint[], bigint[], bigint[]), expire_log_progress() TO telemetryflow_ingest;
GRANT EXECUTE ON FUNCTION find_log_request(bytea, bigint, bigint) TO telemetryflow_ingest, telemetryflow_app;

-- +goose Down
DROP TABLE log_dead_requests, log_batches, log_writers;
DROP FUNCTION expire_log_progress(), find_log_request(bytea, bigint, bigint),
    publish_log_progress(bytea, bytea[], bigint[], bytea[], bigint[], timestamptz[], bytea[], bigint[], bigint[], bigint[]);
