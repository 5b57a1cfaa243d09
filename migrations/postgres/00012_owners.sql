-- Whoever is Owner in every tenant of an organization is Owner in a new one too, whatever
-- makes it: else the organization as a whole, its roles and its single sign-on, would be out
-- of everybody's reach.

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION own_new_tenant() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_role CONSTANT uuid := '00000000-0000-8000-8000-000000000001';
    owner_id uuid;
BEGIN
    FOR owner_id IN
        SELECT ur.user_id FROM public.user_roles ur
        JOIN public.tenants t ON t.tenant_id = ur.tenant_id AND NOT t.is_deleted
        JOIN public.users u ON u.user_id = ur.user_id AND NOT u.is_deleted
        WHERE ur.organization_id = NEW.organization_id AND ur.role_id = owner_role AND ur.tenant_id <> NEW.tenant_id
        GROUP BY ur.user_id
        HAVING count(*) = (SELECT count(*) FROM public.tenants o
                           WHERE o.organization_id = NEW.organization_id AND o.tenant_id <> NEW.tenant_id AND NOT o.is_deleted)
    LOOP
        INSERT INTO public.memberships (user_id, tenant_id, organization_id) VALUES (owner_id, NEW.tenant_id, NEW.organization_id) ON CONFLICT DO NOTHING;
        INSERT INTO public.user_roles (user_id, role_id, tenant_id, organization_id)
            VALUES (owner_id, owner_role, NEW.tenant_id, NEW.organization_id) ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER own_new_tenant AFTER INSERT ON tenants FOR EACH ROW EXECUTE FUNCTION own_new_tenant();

-- +goose Down
DROP TRIGGER own_new_tenant ON tenants;
DROP FUNCTION own_new_tenant();
