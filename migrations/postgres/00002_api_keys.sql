-- API keys: what a key is bound to, its hashes and its limits.
-- Every change reaches the change feed as kind api_key, subject key_id.

-- +goose Up
CREATE TABLE api_keys (
    key_id              text        PRIMARY KEY CHECK (key_id ~ '^tfk_[0-9a-f]{32}$'),
    organization_id     uuid        NOT NULL REFERENCES organizations,
    workspace_id        uuid,       -- NULL: the key covers the whole organization
    tenant_id           uuid,       -- NULL: the key covers every tenant of the above
    name                text        NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    permissions         text[]      NOT NULL CHECK (cardinality(permissions) BETWEEN 1 AND 100
                                                    AND array_position(permissions, NULL) IS NULL),
    secret_hash         text        NOT NULL CHECK (secret_hash LIKE '$argon2id$%'),
    previous_hash       text        CHECK (previous_hash LIKE '$argon2id$%'),
    previous_until      timestamptz, -- until when the secret before the last rotation holds
    requests_per_minute integer     NOT NULL DEFAULT 1000 CHECK (requests_per_minute >= 0), -- 0 = none
    items_per_second    bigint      NOT NULL DEFAULT 0 CHECK (items_per_second >= 0),       -- 0 = none
    bytes_per_second    bigint      NOT NULL DEFAULT 0 CHECK (bytes_per_second >= 0),       -- 0 = none
    expires_at          timestamptz,
    revoked_at          timestamptz,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    CHECK (tenant_id IS NULL OR workspace_id IS NOT NULL),
    CHECK ((previous_hash IS NULL) = (previous_until IS NULL)),
    FOREIGN KEY (workspace_id, organization_id) REFERENCES workspaces (workspace_id, organization_id),
    FOREIGN KEY (tenant_id, workspace_id, organization_id) REFERENCES tenants (tenant_id, workspace_id, organization_id)
);
CREATE INDEX api_keys_organization ON api_keys (organization_id, created_at);

ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY in_system ON api_keys TO telemetryflow_owner USING (in_system()) WITH CHECK (in_system());
CREATE POLICY in_scope ON api_keys TO telemetryflow_owner, telemetryflow_app
    USING (organization_id = current_organization() AND (current_tenant() IS NULL OR tenant_id = current_tenant()));

-- The hashes can be written, never read. A revoked key stays revoked.
GRANT SELECT (key_id, organization_id, workspace_id, tenant_id, name, permissions, previous_until, requests_per_minute,
              items_per_second, bytes_per_second, expires_at, revoked_at, created_at, updated_at),
      INSERT (key_id, organization_id, workspace_id, tenant_id, name, permissions, secret_hash,
              requests_per_minute, items_per_second, bytes_per_second, expires_at)
    ON api_keys TO telemetryflow_app;

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON api_keys FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION record_change('api_key', 'key_id', 'updated_at');

-- When a key was last used. Apart from api_keys, so that a use is no change.
CREATE TABLE api_key_usage (
    key_id       text        PRIMARY KEY REFERENCES api_keys ON DELETE CASCADE,
    last_used_at timestamptz NOT NULL
);
ALTER TABLE api_key_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_key_usage FORCE ROW LEVEL SECURITY;
CREATE POLICY in_system ON api_key_usage TO telemetryflow_owner USING (in_system()) WITH CHECK (in_system());
CREATE POLICY in_scope ON api_key_usage FOR SELECT TO telemetryflow_owner, telemetryflow_app
    USING (EXISTS (SELECT FROM api_keys k WHERE k.key_id = api_key_usage.key_id));
GRANT SELECT ON api_key_usage TO telemetryflow_app;

-- A new key needs a live parent, as tenants do: its foreign keys also accept
-- soft-deleted ones. FOR SHARE waits for a deletion under way.
-- +goose StatementBegin
CREATE FUNCTION require_live_binding() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.tenant_id IS NOT NULL THEN
        PERFORM FROM public.tenants WHERE tenant_id = NEW.tenant_id AND NOT is_deleted FOR SHARE;
    ELSIF NEW.workspace_id IS NOT NULL THEN
        PERFORM FROM public.workspaces WHERE workspace_id = NEW.workspace_id AND NOT is_deleted FOR SHARE;
    ELSE
        PERFORM FROM public.organizations WHERE organization_id = NEW.organization_id AND NOT is_deleted FOR SHARE;
    END IF;
    IF NOT FOUND THEN
        RAISE foreign_key_violation USING MESSAGE = 'what the API key is to be bound to does not exist';
    END IF;
    RETURN NEW;
END $$;

-- telemetryflow_owner itself must set telemetryflow.system to call these.
-- rotate_api_key and revoke_api_key act within the scope of the transaction and
-- say whether there was such a key that is not revoked.
CREATE FUNCTION rotate_api_key(id text, new_hash text, grace interval) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.api_keys SET secret_hash = new_hash,
        previous_hash  = CASE WHEN grace > interval '0' THEN secret_hash END,
        previous_until = CASE WHEN grace > interval '0' THEN now() + grace END
    WHERE key_id = id AND revoked_at IS NULL AND organization_id = public.current_organization()
      AND (public.current_tenant() IS NULL OR tenant_id = public.current_tenant());
    RETURN FOUND;
END $$;

CREATE FUNCTION revoke_api_key(id text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.api_keys SET revoked_at = now()
    WHERE key_id = id AND revoked_at IS NULL AND organization_id = public.current_organization()
      AND (public.current_tenant() IS NULL OR tenant_id = public.current_tenant());
    RETURN FOUND;
END $$;
-- +goose StatementEnd
CREATE TRIGGER require_live_binding BEFORE INSERT ON api_keys
    FOR EACH ROW EXECUTE FUNCTION require_live_binding();

-- Look-ups before a scope exists: the organization of what a new key is to be
-- bound to, and of a key.
-- +goose StatementBegin
CREATE FUNCTION find_binding(kind text, id uuid) RETURNS TABLE (organization_id uuid, workspace_id uuid, tenant_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT o.organization_id, NULL::uuid, NULL::uuid FROM public.organizations o
    WHERE kind = 'organization' AND o.organization_id = id AND NOT o.is_deleted
    UNION ALL
    SELECT w.organization_id, w.workspace_id, NULL FROM public.workspaces w
    WHERE kind = 'workspace' AND w.workspace_id = id AND NOT w.is_deleted
    UNION ALL
    SELECT t.organization_id, t.workspace_id, t.tenant_id FROM public.tenants t
    WHERE kind = 'tenant' AND t.tenant_id = id AND NOT t.is_deleted
$$;

CREATE FUNCTION organization_of_api_key(id text) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT k.organization_id FROM public.api_keys k WHERE k.key_id = id
$$;

-- What a collector needs to judge a key, read in one snapshot: the key, whether
-- it and what it is bound to are live, and the live tenants it covers. position
-- orders such readings: a later one never has a lower position.
CREATE FUNCTION find_api_key(id text)
RETURNS TABLE (organization_id uuid, tenant_bound boolean, active boolean, permissions text[], secret_hash text,
               previous_hash text, previous_until timestamptz, expires_at timestamptz, requests_per_minute integer,
               items_per_second bigint, bytes_per_second bigint, tenant_ids uuid[], workspace_ids uuid[], "position" bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT k.organization_id, k.tenant_id IS NOT NULL,
           k.revoked_at IS NULL AND NOT o.is_deleted AND NOT COALESCE(w.is_deleted, FALSE)
               AND (k.tenant_id IS NULL OR covered.tenant_ids IS NOT NULL),
           k.permissions, k.secret_hash, k.previous_hash, k.previous_until, k.expires_at,
           k.requests_per_minute, k.items_per_second, k.bytes_per_second,
           COALESCE(covered.tenant_ids, '{}'), COALESCE(covered.workspace_ids, '{}'),
           pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    FROM public.api_keys k
    JOIN public.organizations o ON o.organization_id = k.organization_id
    LEFT JOIN public.workspaces w ON w.workspace_id = k.workspace_id
    CROSS JOIN LATERAL (
        SELECT array_agg(t.tenant_id ORDER BY t.tenant_id) AS tenant_ids,
               array_agg(t.workspace_id ORDER BY t.tenant_id) AS workspace_ids
        FROM public.tenants t
        WHERE t.organization_id = k.organization_id AND NOT t.is_deleted
          AND (k.workspace_id IS NULL OR t.workspace_id = k.workspace_id)
          AND (k.tenant_id IS NULL OR t.tenant_id = k.tenant_id)) covered
    WHERE k.key_id = id
$$;

-- used_api_keys records uses, in batches.
CREATE FUNCTION used_api_keys(ids text[], times timestamptz[]) RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO public.api_key_usage AS u (key_id, last_used_at)
    SELECT used.id, least(used.at, now()) FROM unnest(ids, times) AS used (id, at)
    JOIN public.api_keys k ON k.key_id = used.id
    ORDER BY used.id
    ON CONFLICT (key_id) DO UPDATE SET last_used_at = greatest(u.last_used_at, EXCLUDED.last_used_at)
$$;
-- +goose StatementEnd

-- The secret under which collectors seal what they put into Redis, so that a
-- writer of Redis cannot make keys. Delete the row and insert another to change it.
CREATE TABLE api_key_cache_secret (
    single boolean PRIMARY KEY DEFAULT TRUE CHECK (single),
    secret bytea   NOT NULL DEFAULT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
                   CHECK (length(secret) = 32)
);
INSERT INTO api_key_cache_secret DEFAULT VALUES;
ALTER TABLE api_key_cache_secret ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_key_cache_secret FORCE ROW LEVEL SECURITY;
CREATE POLICY in_system ON api_key_cache_secret TO telemetryflow_owner USING (in_system()) WITH CHECK (in_system());

-- +goose StatementBegin
CREATE FUNCTION read_api_key_cache_secret() RETURNS bytea LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT secret FROM public.api_key_cache_secret
$$;
-- +goose StatementEnd

GRANT EXECUTE ON FUNCTION rotate_api_key(text, text, interval), revoke_api_key(text),
    find_binding(text, uuid), organization_of_api_key(text) TO telemetryflow_app;
GRANT EXECUTE ON FUNCTION find_api_key(text), used_api_keys(text[], timestamptz[]),
    read_api_key_cache_secret() TO telemetryflow_ingest;

-- +goose Down
DROP TABLE api_key_cache_secret, api_key_usage, api_keys;
DROP FUNCTION read_api_key_cache_secret(), used_api_keys(text[], timestamptz[]), find_api_key(text),
    organization_of_api_key(text), find_binding(text, uuid), revoke_api_key(text),
    rotate_api_key(text, text, interval), require_live_binding();
