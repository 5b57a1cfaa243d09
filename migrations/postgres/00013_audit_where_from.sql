-- Changes of API keys also say from where they were made, as all other entries do: who
-- changes one names the address and the request in telemetryflow.client_ip and
-- telemetryflow.request_id.

-- +goose Up
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION audit_api_key() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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
    INSERT INTO public.audit_logs (organization_id, tenant_id, actor_kind, actor_id, action, subject, outcome, detail, client_ip, request_id)
    VALUES (k.organization_id, k.tenant_id,
            COALESCE(NULLIF(current_setting('telemetryflow.actor_kind', true), ''), 'operator'),
            COALESCE(NULLIF(current_setting('telemetryflow.actor', true), ''), session_user),
            'api_key.' || done, k.key_id, 'success', jsonb_build_object('name', k.name),
            NULLIF(current_setting('telemetryflow.client_ip', true), '')::inet, COALESCE(current_setting('telemetryflow.request_id', true), ''));
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION audit_api_key() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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
