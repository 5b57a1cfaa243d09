-- Who may do what: users, their memberships of tenants, roles and permissions.

-- +goose Up
CREATE TABLE users (
    user_id         uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid        NOT NULL REFERENCES organizations,
    email           text        NOT NULL CHECK (length(email) BETWEEN 3 AND 320 AND position('@' IN email) > 1),
    display_name    text        NOT NULL DEFAULT '' CHECK (length(display_name) <= 200),
    is_enabled      boolean     NOT NULL DEFAULT TRUE, -- a disabled user stays visible and cannot log in
    is_deleted      boolean     NOT NULL DEFAULT FALSE,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, organization_id)
);
-- Across organizations, because login knows the address before the organization.
CREATE UNIQUE INDEX users_email ON users (lower(email)) WHERE NOT is_deleted;
CREATE INDEX users_organization ON users (organization_id);

-- A user may serve several tenants of the organization.
CREATE TABLE memberships (
    user_id         uuid        NOT NULL,
    tenant_id       uuid        NOT NULL,
    organization_id uuid        NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, tenant_id),
    FOREIGN KEY (user_id, organization_id) REFERENCES users (user_id, organization_id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES tenants (tenant_id, organization_id)
);
CREATE INDEX memberships_tenant ON memberships (tenant_id);

CREATE TABLE permissions (
    permission_id text PRIMARY KEY CHECK (permission_id = resource || ':' || action),
    resource      text NOT NULL,
    action        text NOT NULL
);

CREATE TABLE roles (
    role_id         uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid        REFERENCES organizations, -- NULL: built in, for every organization
    name            text        NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    description     text        NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (role_id, organization_id)
);
CREATE UNIQUE INDEX roles_name ON roles (organization_id, lower(name)) NULLS NOT DISTINCT;

CREATE TABLE role_permissions (
    role_id         uuid NOT NULL REFERENCES roles ON DELETE CASCADE,
    permission_id   text NOT NULL REFERENCES permissions,
    organization_id uuid, -- the role's
    PRIMARY KEY (role_id, permission_id),
    FOREIGN KEY (role_id, organization_id) REFERENCES roles (role_id, organization_id) ON DELETE CASCADE
);

-- A role is held in a tenant, by its members only.
CREATE TABLE user_roles (
    user_id         uuid        NOT NULL,
    role_id         uuid        NOT NULL REFERENCES roles ON DELETE CASCADE,
    tenant_id       uuid        NOT NULL,
    organization_id uuid        NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, tenant_id, role_id),
    FOREIGN KEY (user_id, tenant_id) REFERENCES memberships (user_id, tenant_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, organization_id) REFERENCES tenants (tenant_id, organization_id)
);
CREATE INDEX user_roles_role ON user_roles (role_id);

-- What comes with the system: the four built-in roles, under fixed identifiers.
INSERT INTO permissions (permission_id, resource, action)
SELECT resource || ':' || action, resource, action
FROM unnest('{metrics,logs,traces,dashboards,alerts,keys,users,roles,sso,retention}'::text[]) AS resource,
     unnest('{read,write}'::text[]) AS action
UNION ALL VALUES ('audit:read', 'audit', 'read'), ('queues:admin', 'queues', 'admin');

INSERT INTO roles (role_id, name, description) VALUES
    ('00000000-0000-8000-8000-000000000001', 'Owner',         'Everything.'),
    ('00000000-0000-8000-8000-000000000002', 'Administrator', 'Everything but who may log in from where (sso:write).'),
    ('00000000-0000-8000-8000-000000000003', 'Developer',     'Reads and writes telemetry, dashboards and alerts; reads keys and retention.'),
    ('00000000-0000-8000-8000-000000000004', 'Viewer',        'Reads telemetry, dashboards and alerts.');

INSERT INTO role_permissions (role_id, permission_id)
SELECT r.role_id, p.permission_id FROM roles r CROSS JOIN permissions p
WHERE r.name = 'Owner'
   OR r.name = 'Administrator' AND p.permission_id <> 'sso:write'
   OR r.name = 'Developer' AND (p.resource IN ('metrics', 'logs', 'traces', 'dashboards', 'alerts')
                                OR p.permission_id IN ('keys:read', 'retention:read'))
   OR r.name = 'Viewer' AND p.action = 'read' AND p.resource IN ('metrics', 'logs', 'traces', 'dashboards', 'alerts');

-- Row-level security. The catalogue of permissions is the same for everybody.
ALTER TABLE memberships ENABLE ROW LEVEL SECURITY;
ALTER TABLE memberships FORCE ROW LEVEL SECURITY;
CREATE POLICY in_system ON memberships TO telemetryflow_owner USING (in_system()) WITH CHECK (in_system());
CREATE POLICY in_scope ON memberships TO telemetryflow_owner, telemetryflow_app
    USING (organization_id = current_organization() AND (current_tenant() IS NULL OR tenant_id = current_tenant()));

-- In the scope of one tenant, its members are the users.
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
CREATE POLICY in_system ON users TO telemetryflow_owner USING (in_system()) WITH CHECK (in_system());
CREATE POLICY in_scope ON users TO telemetryflow_owner, telemetryflow_app
    USING (organization_id = current_organization() AND NOT is_deleted AND (current_tenant() IS NULL OR EXISTS
        (SELECT FROM memberships m WHERE m.user_id = users.user_id AND m.tenant_id = current_tenant())));

ALTER TABLE roles ENABLE ROW LEVEL SECURITY;
ALTER TABLE roles FORCE ROW LEVEL SECURITY;
CREATE POLICY in_system ON roles TO telemetryflow_owner USING (in_system()) WITH CHECK (in_system());
CREATE POLICY in_scope ON roles TO telemetryflow_owner, telemetryflow_app
    USING (organization_id = current_organization());
CREATE POLICY built_in ON roles FOR SELECT TO telemetryflow_owner, telemetryflow_app
    USING (organization_id IS NULL AND current_organization() IS NOT NULL);

ALTER TABLE role_permissions ENABLE ROW LEVEL SECURITY;
ALTER TABLE role_permissions FORCE ROW LEVEL SECURITY;
CREATE POLICY in_system ON role_permissions TO telemetryflow_owner USING (in_system()) WITH CHECK (in_system());
CREATE POLICY in_scope ON role_permissions TO telemetryflow_owner, telemetryflow_app
    USING (organization_id = current_organization());
CREATE POLICY built_in ON role_permissions FOR SELECT TO telemetryflow_owner, telemetryflow_app
    USING (organization_id IS NULL AND current_organization() IS NOT NULL);

-- The sub-query sees the roles of the scope, so that no other organization's role can be given.
ALTER TABLE user_roles ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_roles FORCE ROW LEVEL SECURITY;
CREATE POLICY in_system ON user_roles TO telemetryflow_owner USING (in_system()) WITH CHECK (in_system());
CREATE POLICY in_scope ON user_roles TO telemetryflow_owner, telemetryflow_app
    USING (organization_id = current_organization() AND (current_tenant() IS NULL OR tenant_id = current_tenant()))
    WITH CHECK (organization_id = current_organization() AND (current_tenant() IS NULL OR tenant_id = current_tenant())
                AND EXISTS (SELECT FROM roles r WHERE r.role_id = user_roles.role_id));

GRANT SELECT, INSERT (user_id, organization_id, email, display_name), UPDATE (email, display_name, is_enabled)
    ON users TO telemetryflow_app;
GRANT SELECT, INSERT (user_id, tenant_id, organization_id), DELETE ON memberships TO telemetryflow_app;
GRANT SELECT ON permissions TO telemetryflow_app;
GRANT SELECT, INSERT (role_id, organization_id, name, description), UPDATE (name, description), DELETE
    ON roles TO telemetryflow_app;
GRANT SELECT, INSERT, DELETE ON role_permissions TO telemetryflow_app;
GRANT SELECT, INSERT (user_id, role_id, tenant_id, organization_id), DELETE ON user_roles TO telemetryflow_app;

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON roles FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER require_live_parent BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION require_live_parent();

-- What a user may do changes with each of these.
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION record_change('user', 'user_id', 'updated_at');
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON memberships
    FOR EACH ROW EXECUTE FUNCTION record_change('user', 'user_id');
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON user_roles
    FOR EACH ROW EXECUTE FUNCTION record_change('user', 'user_id');
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON roles
    FOR EACH ROW EXECUTE FUNCTION record_change('role', 'role_id', 'updated_at');
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON role_permissions
    FOR EACH ROW EXECUTE FUNCTION record_change('role', 'role_id');

-- Soft deletion ends memberships, and roles with them, so that no reader of
-- either has to ask whether the user or the tenant is still there.
-- +goose StatementBegin
CREATE FUNCTION end_memberships() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'users' THEN
        DELETE FROM public.memberships WHERE user_id = NEW.user_id;
    ELSE
        DELETE FROM public.memberships WHERE tenant_id = NEW.tenant_id;
    END IF;
    RETURN NULL;
END $$;

-- Neither end of a membership may be deleted; FOR SHARE waits for a deletion under way.
CREATE FUNCTION require_live_ends() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM public.tenants t WHERE t.tenant_id = NEW.tenant_id AND NOT t.is_deleted FOR SHARE;
    IF FOUND THEN
        PERFORM FROM public.users u WHERE u.user_id = NEW.user_id AND NOT u.is_deleted FOR SHARE;
    END IF;
    IF NOT FOUND THEN
        RAISE foreign_key_violation USING MESSAGE = 'the user or the tenant of the membership does not exist';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION delete_user(id uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.users SET is_deleted = TRUE
    WHERE user_id = id AND organization_id = public.current_organization()
      AND public.current_tenant() IS NULL AND NOT is_deleted;
    RETURN FOUND;
END $$;

CREATE FUNCTION delete_users_of_organization() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.users SET is_deleted = TRUE WHERE organization_id = NEW.organization_id AND NOT is_deleted;
    RETURN NULL;
END $$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION delete_user(uuid) TO telemetryflow_app;

CREATE TRIGGER end_memberships AFTER UPDATE OF is_deleted ON users
    FOR EACH ROW WHEN (NEW.is_deleted AND NOT OLD.is_deleted) EXECUTE FUNCTION end_memberships();
CREATE TRIGGER end_memberships AFTER UPDATE OF is_deleted ON tenants
    FOR EACH ROW WHEN (NEW.is_deleted AND NOT OLD.is_deleted) EXECUTE FUNCTION end_memberships();
CREATE TRIGGER require_live_ends BEFORE INSERT ON memberships
    FOR EACH ROW EXECUTE FUNCTION require_live_ends();
CREATE TRIGGER delete_users AFTER UPDATE OF is_deleted ON organizations
    FOR EACH ROW WHEN (NEW.is_deleted AND NOT OLD.is_deleted) EXECUTE FUNCTION delete_users_of_organization();

-- +goose Down
DROP TRIGGER delete_users ON organizations;
DROP TRIGGER end_memberships ON tenants;
DROP TABLE user_roles, role_permissions, roles, permissions, memberships, users;
DROP FUNCTION delete_users_of_organization(), delete_user(uuid), require_live_ends(), end_memberships();
