-- The audit trail, which only grows, and how long telemetry is kept.

-- +goose Up
CREATE TABLE audit_logs (
    audit_id        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at              timestamptz NOT NULL DEFAULT clock_timestamp(),
    organization_id uuid        NOT NULL REFERENCES organizations,
    tenant_id       uuid,
    actor_kind      text        NOT NULL CHECK (actor_kind IN ('user', 'api_key', 'operator', 'system')),
    actor_id        text        NOT NULL,
    action          text        NOT NULL, -- resource.verb, such as workspace.delete
    subject         text        NOT NULL DEFAULT '',
    outcome         text        NOT NULL CHECK (outcome IN ('success', 'denied', 'failure')),
    client_ip       inet,
    detail          jsonb       NOT NULL DEFAULT '{}',
    -- SHA-256 of all the above, in the server's own text of a jsonb: what a hash
    -- chain over audit_id can be built on without another look at the rows.
    digest          bytea       NOT NULL,
    FOREIGN KEY (tenant_id, organization_id) REFERENCES tenants (tenant_id, organization_id)
);
CREATE INDEX audit_logs_organization ON audit_logs (organization_id, at);
CREATE INDEX audit_logs_at ON audit_logs (at);

ALTER TABLE audit_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_logs FORCE ROW LEVEL SECURITY;
CREATE POLICY in_system ON audit_logs TO telemetryflow_owner USING (in_system()) WITH CHECK (in_system());
CREATE POLICY in_scope ON audit_logs TO telemetryflow_owner, telemetryflow_app
    USING (organization_id = current_organization() AND (current_tenant() IS NULL OR tenant_id = current_tenant()));
GRANT SELECT, INSERT (organization_id, tenant_id, actor_kind, actor_id, action, subject, outcome, client_ip, detail)
    ON audit_logs TO telemetryflow_app;

-- Entries are kept for 365 days: then they may be deleted, before that by nobody.
-- +goose StatementBegin
CREATE FUNCTION seal_audit_log() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' AS $$
BEGIN
    NEW.digest := sha256(convert_to((to_jsonb(NEW) - 'digest')::text, 'UTF8'));
    RETURN NEW;
END $$;

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '365 days' THEN
        RETURN OLD;
    END IF;
    RAISE insufficient_privilege USING MESSAGE = 'audit_logs is append-only';
END $$;

CREATE FUNCTION refuse_audit_truncate() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = 'audit_logs is append-only';
END $$;

-- prune_audit_logs deletes what may be, of all organizations, and says how much.
CREATE FUNCTION prune_audit_logs() RETURNS bigint LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    WITH gone AS (DELETE FROM public.audit_logs WHERE at < now() - interval '365 days' RETURNING 1)
    SELECT count(*) FROM gone
$$;
-- +goose StatementEnd
CREATE TRIGGER seal BEFORE INSERT ON audit_logs FOR EACH ROW EXECUTE FUNCTION seal_audit_log();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_logs FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit_logs FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_truncate();
GRANT EXECUTE ON FUNCTION prune_audit_logs() TO telemetryflow_app;

-- Changes of API keys are audited by a trigger, so that no path can leave it out.
-- Who changes one names himself in telemetryflow.actor, and in
-- telemetryflow.actor_kind unless he is an operator; else it was the database role.
-- +goose StatementBegin
CREATE FUNCTION audit_api_key() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    k public.api_keys := COALESCE(NEW, OLD);
    done text := 'change';
BEGIN
    IF TG_OP = 'INSERT' THEN
        done := 'create';
    ELSIF TG_OP = 'DELETE' THEN
        done := 'delete';
    ELSIF NEW.revoked_at IS NOT NULL AND OLD.revoked_at IS NULL THEN
        done := 'revoke';
    ELSIF NEW.secret_hash <> OLD.secret_hash THEN
        done := 'rotate';
    END IF;
    INSERT INTO public.audit_logs (organization_id, tenant_id, actor_kind, actor_id, action, subject, outcome, detail)
    VALUES (k.organization_id, k.tenant_id,
            COALESCE(NULLIF(current_setting('telemetryflow.actor_kind', true), ''), 'operator'),
            COALESCE(NULLIF(current_setting('telemetryflow.actor', true), ''), session_user),
            'api_key.' || done, k.key_id, 'success', jsonb_build_object('name', k.name));
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_api_key AFTER INSERT OR UPDATE OR DELETE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION audit_api_key();

-- Days of each signal of each tenant. ClickHouse keeps partitions by one of four
-- classes of age, and deletes within the class by the day.
CREATE TABLE retention_policies (
    tenant_id       uuid        NOT NULL,
    organization_id uuid        NOT NULL,
    signal          text        NOT NULL CHECK (signal IN ('metrics', 'logs', 'traces')),
    days            integer     NOT NULL CHECK (days BETWEEN 1 AND 400),
    class_days      integer     NOT NULL GENERATED ALWAYS AS (
        CASE WHEN days <= 7 THEN 7 WHEN days <= 30 THEN 30 WHEN days <= 90 THEN 90 ELSE 400 END) STORED,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, signal),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES tenants (tenant_id, organization_id)
);
ALTER TABLE retention_policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE retention_policies FORCE ROW LEVEL SECURITY;
CREATE POLICY in_system ON retention_policies TO telemetryflow_owner USING (in_system()) WITH CHECK (in_system());
CREATE POLICY in_scope ON retention_policies TO telemetryflow_owner, telemetryflow_app
    USING (organization_id = current_organization() AND (current_tenant() IS NULL OR tenant_id = current_tenant()));
GRANT SELECT, UPDATE (days) ON retention_policies TO telemetryflow_app;
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON retention_policies FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON retention_policies
    FOR EACH ROW EXECUTE FUNCTION record_change('retention', 'tenant_id', 'updated_at');

-- Every tenant starts with the defaults, so that no reader needs to know them.
-- +goose StatementBegin
CREATE FUNCTION set_default_retention() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.retention_policies (tenant_id, organization_id, signal, days)
    VALUES (NEW.tenant_id, NEW.organization_id, 'metrics', 90),
           (NEW.tenant_id, NEW.organization_id, 'logs', 30),
           (NEW.tenant_id, NEW.organization_id, 'traces', 30);
    RETURN NULL;
END $$;

-- read_retention is every live tenant's days, for the collectors.
CREATE FUNCTION read_retention() RETURNS TABLE (workspace_id uuid, tenant_id uuid, signal text, days integer, class_days integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.workspace_id, r.tenant_id, r.signal, r.days, r.class_days
    FROM public.retention_policies r JOIN public.tenants t ON t.tenant_id = r.tenant_id AND NOT t.is_deleted
$$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION read_retention() TO telemetryflow_app, telemetryflow_ingest;

-- The tenants there are before this migration, of all organizations.
SET LOCAL telemetryflow.system = 'on';
INSERT INTO retention_policies (tenant_id, organization_id, signal, days)
SELECT t.tenant_id, t.organization_id, d.signal, d.days
FROM tenants t CROSS JOIN (VALUES ('metrics', 90), ('logs', 30), ('traces', 30)) AS d (signal, days);
SET LOCAL telemetryflow.system = 'off';
CREATE TRIGGER set_default_retention AFTER INSERT ON tenants FOR EACH ROW EXECUTE FUNCTION set_default_retention();

-- +goose Down
DROP TRIGGER set_default_retention ON tenants;
DROP TRIGGER audit_api_key ON api_keys;
DROP TABLE retention_policies, audit_logs;
DROP FUNCTION read_retention(), set_default_retention(), audit_api_key(), prune_audit_logs(), refuse_audit_truncate(),
    refuse_audit_change(), seal_audit_log();
