-- API keys call the query server too, which judges them as collectors do: it finds a key
-- by its id, records its use, and shares what lies in Redis. It still reads no hash but
-- that of a key whose id it was given; with the right to make keys it gains nothing.

-- +goose Up
GRANT EXECUTE ON FUNCTION find_api_key(text), used_api_keys(text[], timestamptz[]), read_api_key_cache_secret() TO telemetryflow_app;

-- FOR SHARE waits for a deletion under way as FOR UPDATE does. Unlike that, it lets the
-- foreign keys of others pass, who may hold the head of the audit trail, for which the
-- insert waits in turn.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION require_live_parent() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'tenants' THEN
        PERFORM FROM public.workspaces w
        WHERE w.workspace_id = NEW.workspace_id AND NOT w.is_deleted FOR SHARE;
    ELSE
        PERFORM FROM public.organizations o
        WHERE o.organization_id = NEW.organization_id AND NOT o.is_deleted FOR SHARE;
    END IF;
    IF NOT FOUND THEN
        RAISE foreign_key_violation USING MESSAGE = 'the parent of the new row in ' || TG_TABLE_NAME || ' does not exist';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION require_live_parent() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'tenants' THEN
        PERFORM FROM public.workspaces w
        WHERE w.workspace_id = NEW.workspace_id AND NOT w.is_deleted FOR UPDATE;
    ELSE
        PERFORM FROM public.organizations o
        WHERE o.organization_id = NEW.organization_id AND NOT o.is_deleted FOR UPDATE;
    END IF;
    IF NOT FOUND THEN
        RAISE foreign_key_violation USING MESSAGE = 'the parent of the new row in ' || TG_TABLE_NAME || ' does not exist';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION find_api_key(text), used_api_keys(text[], timestamptz[]), read_api_key_cache_secret() FROM telemetryflow_app;
