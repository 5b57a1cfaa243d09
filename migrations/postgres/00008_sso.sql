-- Single sign-on: what a provider is configured with beside its client, identities that
-- can be named, and providers of the whole installation.

-- +goose Up
ALTER TABLE sso_providers
    ADD COLUMN display_name text   NOT NULL DEFAULT '' CHECK (length(display_name) <= 100), -- empty: the name
    ADD COLUMN algorithms   text[] NOT NULL DEFAULT '{}',
    ADD COLUMN parameters   jsonb  NOT NULL DEFAULT '{}',
    ADD COLUMN directories  text[] NOT NULL DEFAULT '{}',
    -- An organization's provider is named by its UUID in its redirect URI, and one of the
    -- installation by its name: neither may be taken for the other (RFC 9700 section 4.4).
    ADD CONSTRAINT sso_providers_name_is_no_uuid CHECK (name !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$');

ALTER TABLE user_identities ADD COLUMN identity_id uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE;

-- sso_link is the mailed proof that an identity is a user's. Domains have their own.
ALTER TABLE one_time_tokens DROP CONSTRAINT one_time_tokens_kind_check;
ALTER TABLE one_time_tokens ADD CONSTRAINT one_time_tokens_kind_check
    CHECK (kind IN ('password_reset', 'sso_code', 'sso_link', 'email_change', 'setup'));

-- Whoever is deleted is nobody at a provider either: he may come back as somebody new.
-- +goose StatementBegin
CREATE FUNCTION end_identities() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM public.user_identities WHERE user_id = NEW.user_id;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER end_identities AFTER UPDATE OF is_deleted ON users
    FOR EACH ROW WHEN (NEW.is_deleted AND NOT OLD.is_deleted) EXECUTE FUNCTION end_identities();

DROP FUNCTION login_providers(text, text);
DROP FUNCTION read_login_provider(uuid);
-- +goose StatementBegin
-- Providers that a login page offers: those of the installation, and of the organization
-- of a name, or of an address's domain.
CREATE FUNCTION login_providers(organization text, address text)
RETURNS TABLE (provider_id uuid, organization_id uuid, name text, display_name text, kind text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.provider_id, p.organization_id, p.name, p.display_name, p.kind FROM public.sso_providers p
    LEFT JOIN public.organizations o ON o.organization_id = p.organization_id
    WHERE p.is_enabled AND NOT COALESCE(o.is_deleted, FALSE) AND (p.organization_id IS NULL
       OR organization <> '' AND lower(o.name) = lower(organization)
       OR address <> '' AND EXISTS (SELECT FROM public.verified_domains d WHERE d.organization_id = p.organization_id
              AND d.verified_at IS NOT NULL AND d.domain = lower(substring(address FROM '[^@]*$'))))
    ORDER BY p.organization_id NULLS LAST, p.name
$$;

-- What a login needs of a provider, whatever its organization.
CREATE FUNCTION read_login_provider(id uuid)
RETURNS TABLE (provider_id uuid, organization_id uuid, name text, display_name text, kind text, issuer text, client_id text,
               scopes text[], algorithms text[], parameters jsonb, directories text[], link_by_verified_email boolean,
               is_enabled boolean, created_at timestamptz, client_secret bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.provider_id, p.organization_id, p.name, p.display_name, p.kind, p.issuer, p.client_id, p.scopes, p.algorithms, p.parameters,
           p.directories, p.link_by_verified_email, p.is_enabled, p.created_at, p.client_secret
    FROM public.sso_providers p LEFT JOIN public.organizations o ON o.organization_id = p.organization_id
    WHERE p.provider_id = id AND p.is_enabled AND NOT COALESCE(o.is_deleted, FALSE)
$$;

-- Providers of the installation are the operator's: no scope can write them. Who may log
-- in changes in every organization, and each has it in its audit trail.
CREATE FUNCTION note_installation_provider(operator text, verb text, of_name text, of_id uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO public.audit_logs (organization_id, actor_kind, actor_id, action, subject, outcome, detail)
    SELECT o.organization_id, 'operator', operator, 'sso_provider.' || verb, of_id::text, 'success',
           jsonb_build_object('name', of_name, 'installation', TRUE)
    FROM public.organizations o WHERE NOT o.is_deleted ORDER BY o.organization_id
$$;

CREATE FUNCTION create_installation_provider(operator text, id uuid, of_name text, shown text, of_kind text, of_issuer text, client text, secret bytea,
    of_scopes text[], of_algorithms text[], of_parameters jsonb, of_directories text[], links boolean) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO public.sso_providers (provider_id, name, display_name, kind, issuer, client_id, client_secret, scopes, algorithms, parameters,
        directories, link_by_verified_email)
    VALUES (id, of_name, shown, of_kind, of_issuer, client, secret, of_scopes, of_algorithms, of_parameters, of_directories, links);
    SELECT public.note_installation_provider(operator, 'create', of_name, id)
$$;

-- Identities at the provider end with it; their users stay.
CREATE FUNCTION delete_installation_provider(operator text, of_name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id uuid;
BEGIN
    DELETE FROM public.sso_providers p WHERE p.organization_id IS NULL AND p.name = of_name RETURNING p.provider_id INTO id;
    IF NOT FOUND THEN
        RETURN FALSE;
    END IF;
    PERFORM public.note_installation_provider(operator, 'delete', of_name, id);
    RETURN TRUE;
END $$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION login_providers(text, text), read_login_provider(uuid), delete_installation_provider(text, text),
    create_installation_provider(text, uuid, text, text, text, text, text, bytea, text[], text[], jsonb, text[], boolean) TO telemetryflow_app;

-- +goose Down
DROP FUNCTION delete_installation_provider(text, text),
    create_installation_provider(text, uuid, text, text, text, text, text, bytea, text[], text[], jsonb, text[], boolean),
    note_installation_provider(text, text, text, uuid), read_login_provider(uuid), login_providers(text, text);
-- +goose StatementBegin
CREATE FUNCTION login_providers(organization text, address text)
RETURNS TABLE (provider_id uuid, organization_id uuid, name text, kind text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.provider_id, p.organization_id, p.name, p.kind FROM public.sso_providers p
    LEFT JOIN public.organizations o ON o.organization_id = p.organization_id
    WHERE p.is_enabled AND NOT COALESCE(o.is_deleted, FALSE) AND (p.organization_id IS NULL
       OR organization <> '' AND lower(o.name) = lower(organization)
       OR address <> '' AND EXISTS (SELECT FROM public.verified_domains d WHERE d.organization_id = p.organization_id
              AND d.verified_at IS NOT NULL AND d.domain = lower(substring(address FROM '[^@]*$'))))
    ORDER BY p.organization_id NULLS LAST, p.name
$$;

CREATE FUNCTION read_login_provider(id uuid)
RETURNS TABLE (provider_id uuid, organization_id uuid, name text, kind text, issuer text, client_id text, client_secret bytea,
               scopes text[], link_by_verified_email boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.provider_id, p.organization_id, p.name, p.kind, p.issuer, p.client_id, p.client_secret, p.scopes, p.link_by_verified_email
    FROM public.sso_providers p WHERE p.provider_id = id AND p.is_enabled
$$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION login_providers(text, text), read_login_provider(uuid) TO telemetryflow_app;
DROP TRIGGER end_identities ON users;
DROP FUNCTION end_identities();
DELETE FROM one_time_tokens WHERE kind = 'sso_link';
ALTER TABLE one_time_tokens DROP CONSTRAINT one_time_tokens_kind_check;
ALTER TABLE one_time_tokens ADD CONSTRAINT one_time_tokens_kind_check
    CHECK (kind IN ('password_reset', 'sso_code', 'email_change', 'domain', 'setup'));
ALTER TABLE user_identities DROP COLUMN identity_id;
ALTER TABLE sso_providers DROP CONSTRAINT sso_providers_name_is_no_uuid,
    DROP COLUMN directories, DROP COLUMN parameters, DROP COLUMN algorithms, DROP COLUMN display_name;
