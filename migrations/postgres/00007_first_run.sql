-- The first user of an installation.

-- +goose Up
-- finish_setup takes the token of the set-up link and makes the first user, Owner in every
-- tenant of the only organization, or of a new one with one tenant; all of it, or nothing
-- and no row when the token does not count or there are users.
-- +goose StatementBegin
CREATE FUNCTION finish_setup(hash bytea, organization text, address text, display text, password text)
RETURNS TABLE (organization_id uuid, user_id uuid) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org uuid;
    space uuid;
    owner_id uuid;
BEGIN
    LOCK TABLE public.user_credentials IN SHARE ROW EXCLUSIVE MODE; -- two links at once make one user
    IF NOT public.take_setup(hash) THEN
        RETURN;
    END IF;
    IF (SELECT count(*) FROM public.organizations o WHERE NOT o.is_deleted) = 1 THEN
        SELECT o.organization_id INTO org FROM public.organizations o WHERE NOT o.is_deleted;
    ELSE
        INSERT INTO public.organizations AS o (name) VALUES (organization) RETURNING o.organization_id INTO org;
    END IF;
    IF NOT EXISTS (SELECT FROM public.tenants t WHERE t.organization_id = org AND NOT t.is_deleted) THEN
        INSERT INTO public.workspaces AS w (organization_id, name) VALUES (org, 'default') RETURNING w.workspace_id INTO space;
        INSERT INTO public.tenants (organization_id, workspace_id, name) VALUES (org, space, 'default');
    END IF;
    INSERT INTO public.users AS u (organization_id, email, display_name) VALUES (org, address, display) RETURNING u.user_id INTO owner_id;
    INSERT INTO public.user_credentials (user_id, organization_id, password_hash, password_changed_at) VALUES (owner_id, org, password, now());
    INSERT INTO public.memberships (user_id, tenant_id, organization_id)
        SELECT owner_id, t.tenant_id, org FROM public.tenants t WHERE t.organization_id = org AND NOT t.is_deleted;
    INSERT INTO public.user_roles (user_id, role_id, tenant_id, organization_id)
        SELECT owner_id, '00000000-0000-8000-8000-000000000001', m.tenant_id, org FROM public.memberships m WHERE m.user_id = owner_id;
    INSERT INTO public.audit_logs (organization_id, actor_kind, actor_id, action, subject, outcome, detail)
        VALUES (org, 'system', 'setup', 'user.create', owner_id::text, 'success', jsonb_build_object('email', address));
    RETURN QUERY SELECT org, owner_id;
END $$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION finish_setup(bytea, text, text, text, text) TO telemetryflow_app;

-- +goose Down
DROP FUNCTION finish_setup(bytea, text, text, text, text);
