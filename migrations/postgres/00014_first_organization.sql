-- The first user joins the organization of the name that he gives, or the oldest one there
-- is: that of the first key, beside which there is one of the system's own telemetry.

-- +goose Up
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION finish_setup(hash bytea, organization text, address text, display text, password text)
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
    SELECT o.organization_id INTO org FROM public.organizations o WHERE NOT o.is_deleted
    ORDER BY lower(o.name) = lower(organization) DESC, o.created_at, o.organization_id LIMIT 1;
    IF org IS NULL THEN
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

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION finish_setup(hash bytea, organization text, address text, display text, password text)
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
