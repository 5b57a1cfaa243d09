-- The core: organization > workspace > tenant, the scope of a transaction, and
-- the change feed. It runs as telemetryflow_owner, in the schema public of a
-- database of its own; the roles exist before (see docs/postgres.md).
--
-- For every later migration:
--  * A table with an organization_id or a tenant_id gets ENABLE and FORCE ROW
--    LEVEL SECURITY, the policy in_system, and a policy on current_organization().
--  * New functions may be executed by nobody until they are granted.
--  * A look-up before a scope exists is a function that is SECURITY DEFINER
--    SET search_path = pg_catalog, pg_temp, with every name qualified by its schema.

-- +goose Up
GRANT USAGE ON SCHEMA public TO telemetryflow_app, telemetryflow_ingest;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- The scope of a transaction. Without one both are NULL, which no row equals.
CREATE FUNCTION current_organization() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
RETURN NULLIF(current_setting('telemetryflow.organization_id', true), '')::uuid;

-- A scope may be narrowed to one tenant; NULL means every tenant of the organization.
CREATE FUNCTION current_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
RETURN NULLIF(current_setting('telemetryflow.tenant_id', true), '')::uuid;

-- True inside a SECURITY DEFINER function that another role called, for there the
-- current user is not who the session is; and where telemetryflow_owner itself
-- asks for it, as a migration of data must. Only policies for telemetryflow_owner
-- use it, so the setting gives other roles nothing.
CREATE FUNCTION in_system() RETURNS boolean LANGUAGE sql STABLE
RETURN COALESCE(current_setting('telemetryflow.system', true), '') = 'on'
    OR current_user <> COALESCE(NULLIF(current_setting('role'), 'none'), session_user);

GRANT EXECUTE ON FUNCTION current_organization(), current_tenant() TO telemetryflow_app;

-- The version of this schema, for programs that check it before they work.
-- +goose StatementBegin
CREATE FUNCTION schema_version() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT COALESCE(max(version_id), 0) FROM public.schema_migrations WHERE is_applied
$$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION schema_version() TO telemetryflow_app, telemetryflow_ingest;

-- Change feed: one row for each change that a cache elsewhere must hear of,
-- written by triggers in the transaction of the change.
CREATE TABLE change_feed (
    id              bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at              timestamptz NOT NULL DEFAULT clock_timestamp(),
    xid             xid8        NOT NULL DEFAULT pg_current_xact_id(),
    kind            text        NOT NULL, -- the kind of thing that changed, such as tenant
    subject         text        NOT NULL, -- its identifier
    organization_id uuid,
    tenant_id       uuid
);
CREATE INDEX change_feed_xid ON change_feed (xid);
CREATE INDEX change_feed_at ON change_feed (at);
ALTER TABLE change_feed ENABLE ROW LEVEL SECURITY;
ALTER TABLE change_feed FORCE ROW LEVEL SECURITY;
CREATE POLICY in_system ON change_feed TO telemetryflow_owner USING (in_system()) WITH CHECK (in_system());

-- record_change(kind, subject column, ignored columns …) is an AFTER … FOR EACH
-- ROW trigger. It also prunes what is older than a day, a few rows at a time, so
-- that no job has to; SKIP LOCKED keeps transactions from waiting on each other.
-- The notification carries nothing, because every role may listen.
-- +goose StatementBegin
CREATE FUNCTION record_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    row_now jsonb := to_jsonb(COALESCE(NEW, OLD));
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - TG_ARGV[2:] = to_jsonb(OLD) - TG_ARGV[2:] THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.change_feed (kind, subject, organization_id, tenant_id)
    VALUES (TG_ARGV[0], row_now ->> TG_ARGV[1],
            (row_now ->> 'organization_id')::uuid, (row_now ->> 'tenant_id')::uuid);
    DELETE FROM public.change_feed WHERE id IN (
        SELECT id FROM public.change_feed WHERE at < now() - interval '1 day'
        ORDER BY at LIMIT 16 FOR UPDATE SKIP LOCKED);
    PERFORM pg_notify('telemetryflow_changes', '');
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- change_cursor() is where to read on from after reading everything now: the
-- oldest transaction that may still commit. Take it before reading.
CREATE FUNCTION change_cursor() RETURNS xid8 LANGUAGE sql VOLATILE
RETURN pg_snapshot_xmin(pg_current_snapshot());

-- changes_since(cursor) is every committed change that the reader of the cursor
-- could not have seen, and perhaps some that it has: tell them apart by id.
-- +goose StatementBegin
CREATE FUNCTION changes_since(since xid8)
RETURNS TABLE (id bigint, at timestamptz, kind text, subject text, organization_id uuid, tenant_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT id, at, kind, subject, organization_id, tenant_id
    FROM public.change_feed WHERE xid >= since ORDER BY id
$$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION change_cursor(), changes_since(xid8) TO telemetryflow_app, telemetryflow_ingest;

-- +goose StatementBegin
CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END $$;
-- +goose StatementEnd

CREATE TABLE organizations (
    organization_id uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    name            text        NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    is_deleted      boolean     NOT NULL DEFAULT FALSE,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX organizations_name ON organizations (lower(name)) WHERE NOT is_deleted;

CREATE TABLE workspaces (
    workspace_id    uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid        NOT NULL REFERENCES organizations,
    name            text        NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    is_deleted      boolean     NOT NULL DEFAULT FALSE,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (workspace_id, organization_id)
);
CREATE UNIQUE INDEX workspaces_name ON workspaces (organization_id, lower(name)) WHERE NOT is_deleted;

CREATE TABLE tenants (
    tenant_id       uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    workspace_id    uuid        NOT NULL,
    organization_id uuid        NOT NULL,
    name            text        NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    is_deleted      boolean     NOT NULL DEFAULT FALSE,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, organization_id),
    UNIQUE (tenant_id, workspace_id, organization_id),
    FOREIGN KEY (workspace_id, organization_id) REFERENCES workspaces (workspace_id, organization_id)
);
CREATE UNIQUE INDEX tenants_name ON tenants (workspace_id, lower(name)) WHERE NOT is_deleted;

-- A soft-deleted row is no row to anyone but the functions of the system.
ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE organizations FORCE ROW LEVEL SECURITY;
CREATE POLICY in_system ON organizations TO telemetryflow_owner USING (in_system()) WITH CHECK (in_system());
CREATE POLICY in_scope ON organizations TO telemetryflow_owner, telemetryflow_app
    USING (organization_id = current_organization() AND NOT is_deleted);

ALTER TABLE workspaces ENABLE ROW LEVEL SECURITY;
ALTER TABLE workspaces FORCE ROW LEVEL SECURITY;
CREATE POLICY in_system ON workspaces TO telemetryflow_owner USING (in_system()) WITH CHECK (in_system());
CREATE POLICY in_scope ON workspaces TO telemetryflow_owner, telemetryflow_app
    USING (organization_id = current_organization() AND NOT is_deleted);

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY in_system ON tenants TO telemetryflow_owner USING (in_system()) WITH CHECK (in_system());
CREATE POLICY in_scope ON tenants TO telemetryflow_owner, telemetryflow_app
    USING (organization_id = current_organization() AND NOT is_deleted
           AND (current_tenant() IS NULL OR tenant_id = current_tenant()))
    WITH CHECK (organization_id = current_organization() AND NOT is_deleted
           AND (current_tenant() IS NULL OR tenant_id = current_tenant()));

GRANT SELECT, UPDATE (name) ON organizations TO telemetryflow_app;
GRANT SELECT, INSERT (workspace_id, organization_id, name), UPDATE (name) ON workspaces TO telemetryflow_app;
GRANT SELECT, INSERT (tenant_id, workspace_id, organization_id, name), UPDATE (name) ON tenants TO telemetryflow_app;

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON organizations FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON workspaces FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON tenants FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON organizations
    FOR EACH ROW EXECUTE FUNCTION record_change('organization', 'organization_id', 'updated_at');
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON workspaces
    FOR EACH ROW EXECUTE FUNCTION record_change('workspace', 'workspace_id', 'updated_at');
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON tenants
    FOR EACH ROW EXECUTE FUNCTION record_change('tenant', 'tenant_id', 'updated_at');

-- Soft deletion goes down the tree: the tenants of a workspace, the workspaces
-- of an organization. A deleted parent takes no new children.
-- +goose StatementBegin
CREATE FUNCTION delete_children() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'organizations' THEN
        UPDATE public.workspaces SET is_deleted = TRUE
        WHERE organization_id = NEW.organization_id AND NOT is_deleted;
    ELSE
        UPDATE public.tenants SET is_deleted = TRUE
        WHERE workspace_id = NEW.workspace_id AND NOT is_deleted;
    END IF;
    RETURN NULL;
END $$;

-- FOR UPDATE waits for a deletion under way, which would not see the new row.
CREATE FUNCTION require_live_parent() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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
CREATE TRIGGER delete_children AFTER UPDATE OF is_deleted ON organizations
    FOR EACH ROW WHEN (NEW.is_deleted AND NOT OLD.is_deleted) EXECUTE FUNCTION delete_children();
CREATE TRIGGER delete_children AFTER UPDATE OF is_deleted ON workspaces
    FOR EACH ROW WHEN (NEW.is_deleted AND NOT OLD.is_deleted) EXECUTE FUNCTION delete_children();
CREATE TRIGGER require_live_parent BEFORE INSERT ON workspaces
    FOR EACH ROW EXECUTE FUNCTION require_live_parent();
CREATE TRIGGER require_live_parent BEFORE INSERT ON tenants
    FOR EACH ROW EXECUTE FUNCTION require_live_parent();

-- The deletions an application may make, within the scope of its transaction.
-- Each says whether there was such a row.
-- +goose StatementBegin
CREATE FUNCTION delete_workspace(id uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.workspaces SET is_deleted = TRUE
    WHERE workspace_id = id AND organization_id = public.current_organization()
      AND public.current_tenant() IS NULL AND NOT is_deleted;
    RETURN FOUND;
END $$;

CREATE FUNCTION delete_tenant(id uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.tenants SET is_deleted = TRUE
    WHERE tenant_id = id AND organization_id = public.current_organization()
      AND (public.current_tenant() IS NULL OR tenant_id = public.current_tenant()) AND NOT is_deleted;
    RETURN FOUND;
END $$;

-- Organizations come and go before, and without, a scope.
CREATE FUNCTION create_organization(name text) RETURNS uuid LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO public.organizations (name) VALUES (create_organization.name) RETURNING organization_id
$$;

CREATE FUNCTION list_organizations() RETURNS TABLE (organization_id uuid, name text, created_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT organization_id, name, created_at FROM public.organizations WHERE NOT is_deleted ORDER BY lower(name)
$$;

CREATE FUNCTION delete_organization(id uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.organizations SET is_deleted = TRUE WHERE organization_id = id AND NOT is_deleted;
    RETURN FOUND;
END $$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION delete_workspace(uuid), delete_tenant(uuid),
    create_organization(text), list_organizations(), delete_organization(uuid) TO telemetryflow_app;

-- +goose Down
DROP TABLE tenants, workspaces, organizations, change_feed;
DROP FUNCTION delete_organization(uuid), list_organizations(), create_organization(text),
    delete_tenant(uuid), delete_workspace(uuid), require_live_parent(), delete_children(),
    touch_updated_at(), changes_since(xid8), change_cursor(), record_change(), schema_version(),
    in_system(), current_tenant(), current_organization();
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
