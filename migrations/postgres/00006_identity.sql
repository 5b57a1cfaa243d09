-- Who logs in: passwords, second factors, sessions, single sign-on, service accounts,
-- invitations, what roles may see of the data; and the chain of the audit trail.
--
-- Secrets that must be read back (seeds, client secrets, private keys) are sealed by the
-- server before they come here; all others are here as hashes.

-- +goose Up

-- Profile. The picture comes from an identity provider.
ALTER TABLE users
    ADD COLUMN picture_url text NOT NULL DEFAULT '' CHECK (length(picture_url) <= 2000),
    ADD COLUMN last_login_at timestamptz;
GRANT UPDATE (picture_url, last_login_at) ON users TO telemetryflow_app;

-- What proves a user, apart from users, so that no query of users can show it.
CREATE TABLE user_credentials (
    user_id             uuid        PRIMARY KEY,
    organization_id     uuid        NOT NULL,
    password_hash       text        CHECK (password_hash ~ '^\$(argon2id|2[aby])\$'), -- NULL: none, logs in by single sign-on
    password_changed_at timestamptz,
    totp_secret         bytea,      -- sealed
    totp_confirmed_at   timestamptz, -- NULL: set up, but no code was given yet
    totp_last_step      bigint      NOT NULL DEFAULT 0, -- RFC 6238: of the last code that was accepted
    updated_at          timestamptz NOT NULL DEFAULT now(),
    CHECK (totp_confirmed_at IS NULL OR totp_secret IS NOT NULL),
    FOREIGN KEY (user_id, organization_id) REFERENCES users (user_id, organization_id)
);

CREATE TABLE recovery_codes (
    user_id         uuid        NOT NULL,
    organization_id uuid        NOT NULL,
    number          integer     NOT NULL,
    code_hash       text        NOT NULL,
    used_at         timestamptz,
    PRIMARY KEY (user_id, number),
    FOREIGN KEY (user_id, organization_id) REFERENCES users (user_id, organization_id)
);

-- Failed logins, of either factor, by account: a keyed hash of the e-mail address, so
-- that addresses nobody has are treated alike. device is a known one's hash; empty for all others together.
CREATE TABLE login_failures (
    account         bytea       NOT NULL CHECK (length(account) = 32),
    device          bytea       NOT NULL DEFAULT '',
    failures        integer     NOT NULL, -- since window_began
    window_began    timestamptz NOT NULL,
    consecutive     integer     NOT NULL, -- since the last success
    locked_until    timestamptz,
    PRIMARY KEY (account, device)
);
CREATE INDEX login_failures_window ON login_failures (window_began);

-- Browsers from which a user has logged in with all factors.
CREATE TABLE known_devices (
    device_hash     bytea       PRIMARY KEY CHECK (length(device_hash) = 32),
    user_id         uuid        NOT NULL,
    organization_id uuid        NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    last_seen_at    timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (user_id, organization_id) REFERENCES users (user_id, organization_id)
);
CREATE INDEX known_devices_user ON known_devices (user_id);

CREATE TABLE sessions (
    session_id      uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id         uuid        NOT NULL,
    organization_id uuid        NOT NULL,
    tenant_id       uuid,       -- where the user works; NULL: member of none
    cookie_hash     bytea       UNIQUE CHECK (length(cookie_hash) = 32), -- NULL: the session has tokens and no cookie
    methods         text[]      NOT NULL, -- RFC 8176: pwd, otp, mfa, …
    client_ip       inet,
    user_agent      text        NOT NULL DEFAULT '' CHECK (length(user_agent) <= 500),
    created_at      timestamptz NOT NULL DEFAULT now(),
    last_seen_at    timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz NOT NULL, -- whatever is done in it
    revoked_at      timestamptz,
    revoked_why     text        NOT NULL DEFAULT '',
    UNIQUE (session_id, organization_id),
    FOREIGN KEY (user_id, organization_id) REFERENCES users (user_id, organization_id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES tenants (tenant_id, organization_id)
);
CREATE INDEX sessions_user ON sessions (user_id, created_at);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

-- The tokens of a session are a family: each is used once, for its successor.
CREATE TABLE refresh_tokens (
    token_hash      bytea       PRIMARY KEY CHECK (length(token_hash) = 32),
    session_id      uuid        NOT NULL,
    organization_id uuid        NOT NULL,
    expires_at      timestamptz NOT NULL,
    used_at         timestamptz,
    successor       bytea,      -- sealed; for whoever repeats the call within seconds
    FOREIGN KEY (session_id, organization_id) REFERENCES sessions (session_id, organization_id) ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

-- A login between its factors.
CREATE TABLE login_challenges (
    token_hash      bytea       PRIMARY KEY CHECK (length(token_hash) = 32),
    user_id         uuid        NOT NULL,
    organization_id uuid        NOT NULL,
    methods         text[]      NOT NULL, -- what was proved so far
    details         jsonb       NOT NULL DEFAULT '{}',
    tries           integer     NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz NOT NULL,
    consumed_at     timestamptz,
    FOREIGN KEY (user_id, organization_id) REFERENCES users (user_id, organization_id)
);

-- What is sent by mail or handed over once: password resets, codes of a finished single
-- sign-on, the set-up link.
CREATE TABLE one_time_tokens (
    token_hash      bytea       PRIMARY KEY CHECK (length(token_hash) = 32),
    kind            text        NOT NULL CHECK (kind IN ('password_reset', 'sso_code', 'email_change', 'domain', 'setup')),
    organization_id uuid        REFERENCES organizations, -- NULL: before there is one
    user_id         uuid,
    details         jsonb       NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz NOT NULL,
    consumed_at     timestamptz,
    FOREIGN KEY (user_id, organization_id) REFERENCES users (user_id, organization_id)
);
CREATE INDEX one_time_tokens_expires_at ON one_time_tokens (expires_at);

-- roles: [{"roleId": …, "tenantId": …}].
CREATE TABLE invitations (
    invitation_id   uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid        NOT NULL REFERENCES organizations,
    email           text        NOT NULL CHECK (length(email) BETWEEN 3 AND 320 AND position('@' IN email) > 1),
    roles           jsonb       NOT NULL,
    token_hash      bytea       NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    invited_by      uuid        NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz NOT NULL,
    accepted_at     timestamptz,
    revoked_at      timestamptz,
    FOREIGN KEY (invited_by, organization_id) REFERENCES users (user_id, organization_id)
);
CREATE INDEX invitations_organization ON invitations (organization_id, created_at);

-- Programs that read: Grafana and the like.
CREATE TABLE service_accounts (
    service_account_id uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id    uuid        NOT NULL REFERENCES organizations,
    name               text        NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    is_enabled         boolean     NOT NULL DEFAULT TRUE,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    UNIQUE (service_account_id, organization_id)
);
CREATE UNIQUE INDEX service_accounts_name ON service_accounts (organization_id, lower(name));

CREATE TABLE service_account_roles (
    service_account_id uuid NOT NULL,
    role_id            uuid NOT NULL REFERENCES roles ON DELETE CASCADE,
    tenant_id          uuid NOT NULL,
    organization_id    uuid NOT NULL,
    PRIMARY KEY (service_account_id, tenant_id, role_id),
    FOREIGN KEY (service_account_id, organization_id) REFERENCES service_accounts (service_account_id, organization_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, organization_id) REFERENCES tenants (tenant_id, organization_id)
);

CREATE TABLE service_account_tokens (
    token_id           uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    service_account_id uuid        NOT NULL,
    organization_id    uuid        NOT NULL,
    name               text        NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    token_hash         bytea       NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    created_at         timestamptz NOT NULL DEFAULT now(),
    expires_at         timestamptz,
    revoked_at         timestamptz,
    last_used_at       timestamptz,
    FOREIGN KEY (service_account_id, organization_id) REFERENCES service_accounts (service_account_id, organization_id) ON DELETE CASCADE
);
CREATE INDEX service_account_tokens_account ON service_account_tokens (service_account_id);

-- What a role may see of the data: rows in which each dimension has one of its values.
-- A role without a row sees everything.
CREATE TABLE role_filters (
    role_id         uuid   NOT NULL,
    organization_id uuid   NOT NULL, -- built-in roles have none
    dimension       text   NOT NULL CHECK (length(dimension) BETWEEN 1 AND 200),
    allowed         text[] NOT NULL CHECK (cardinality(allowed) BETWEEN 1 AND 1000 AND array_position(allowed, NULL) IS NULL),
    PRIMARY KEY (role_id, dimension),
    FOREIGN KEY (role_id, organization_id) REFERENCES roles (role_id, organization_id) ON DELETE CASCADE
);

CREATE TABLE organization_policies (
    organization_id uuid        PRIMARY KEY REFERENCES organizations,
    sso_only        boolean     NOT NULL DEFAULT FALSE,
    mfa_required    boolean     NOT NULL DEFAULT FALSE,
    default_role_id uuid        NOT NULL DEFAULT '00000000-0000-8000-8000-000000000004' REFERENCES roles, -- Viewer
    updated_at      timestamptz NOT NULL DEFAULT now()
);

-- Identity providers: of an organization, or of the installation.
CREATE TABLE sso_providers (
    provider_id     uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid        REFERENCES organizations, -- NULL: for every organization
    name            text        NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'), -- in the URL
    kind            text        NOT NULL CHECK (kind IN ('oidc', 'google', 'entra', 'github')),
    issuer          text        NOT NULL DEFAULT '' CHECK (length(issuer) <= 2000),
    client_id       text        NOT NULL CHECK (length(client_id) BETWEEN 1 AND 500),
    client_secret   bytea,      -- sealed
    scopes          text[]      NOT NULL DEFAULT '{}',
    link_by_verified_email boolean NOT NULL DEFAULT FALSE,
    is_enabled      boolean     NOT NULL DEFAULT TRUE,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX sso_providers_name ON sso_providers (organization_id, name) NULLS NOT DISTINCT;

-- Domains of e-mail addresses that an organization has proved to be its own.
CREATE TABLE verified_domains (
    domain          text        NOT NULL CHECK (domain = lower(domain) AND length(domain) BETWEEN 3 AND 253),
    organization_id uuid        NOT NULL REFERENCES organizations,
    challenge       text        NOT NULL, -- to be found in the domain's DNS
    created_at      timestamptz NOT NULL DEFAULT now(),
    verified_at     timestamptz,
    PRIMARY KEY (organization_id, domain)
);
CREATE UNIQUE INDEX verified_domains_domain ON verified_domains (domain) WHERE verified_at IS NOT NULL;

-- Who somebody is at a provider. Never an e-mail address.
CREATE TABLE user_identities (
    provider_id     uuid        NOT NULL REFERENCES sso_providers ON DELETE CASCADE,
    issuer          text        NOT NULL,
    subject         text        NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
    user_id         uuid        NOT NULL,
    organization_id uuid        NOT NULL,
    email           text        NOT NULL DEFAULT '', -- as the provider last said, to be shown
    created_at      timestamptz NOT NULL DEFAULT now(),
    last_login_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (provider_id, issuer, subject),
    FOREIGN KEY (user_id, organization_id) REFERENCES users (user_id, organization_id)
);
CREATE INDEX user_identities_user ON user_identities (user_id);

-- Single sign-on under way, bound to a browser.
CREATE TABLE sso_logins (
    state_hash      bytea       PRIMARY KEY CHECK (length(state_hash) = 32),
    browser_hash    bytea       NOT NULL CHECK (length(browser_hash) = 32),
    provider_id     uuid        NOT NULL REFERENCES sso_providers ON DELETE CASCADE,
    pending         bytea       NOT NULL, -- sealed
    expires_at      timestamptz NOT NULL,
    consumed_at     timestamptz
);
CREATE INDEX sso_logins_expires_at ON sso_logins (expires_at);

-- The keys under which access tokens are signed. Each follows on another, which only one
-- key does, so that servers that make the next one at once do not make two.
CREATE TABLE signing_keys (
    key_id     text        PRIMARY KEY,
    sealed     text        NOT NULL, -- the private key
    use_from   timestamptz NOT NULL,
    previous   text        NOT NULL UNIQUE, -- empty for the first
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Row-level security.
-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY '{user_credentials,recovery_codes,login_failures,known_devices,sessions,refresh_tokens,login_challenges,one_time_tokens,invitations,service_accounts,service_account_roles,service_account_tokens,role_filters,organization_policies,sso_providers,verified_domains,user_identities,sso_logins,signing_keys}'::text[] LOOP
        EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY in_system ON public.%I TO telemetryflow_owner USING (public.in_system()) WITH CHECK (public.in_system())', name);
    END LOOP;
    FOREACH name IN ARRAY '{user_credentials,recovery_codes,known_devices,sessions,refresh_tokens,login_challenges,one_time_tokens,invitations,service_accounts,service_account_tokens,role_filters,organization_policies,sso_providers,verified_domains,user_identities}'::text[] LOOP
        EXECUTE format('CREATE POLICY in_scope ON public.%I TO telemetryflow_owner, telemetryflow_app USING (organization_id = public.current_organization())', name);
    END LOOP;
END $$;
-- +goose StatementEnd
-- As user_roles: a role of another organization cannot be given.
CREATE POLICY in_scope ON service_account_roles TO telemetryflow_owner, telemetryflow_app
    USING (organization_id = current_organization() AND (current_tenant() IS NULL OR tenant_id = current_tenant()))
    WITH CHECK (organization_id = current_organization() AND (current_tenant() IS NULL OR tenant_id = current_tenant())
                AND EXISTS (SELECT FROM roles r WHERE r.role_id = service_account_roles.role_id));
CREATE POLICY installation ON sso_providers FOR SELECT TO telemetryflow_owner, telemetryflow_app
    USING (organization_id IS NULL AND current_organization() IS NOT NULL);

-- Tables of which changes are heard of: what a cached scope was made from.
CREATE TRIGGER record_change AFTER UPDATE OR DELETE ON sessions
    FOR EACH ROW EXECUTE FUNCTION record_change('session', 'session_id', 'last_seen_at');
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON user_credentials
    FOR EACH ROW EXECUTE FUNCTION record_change('user', 'user_id', 'updated_at', 'totp_last_step');
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON role_filters
    FOR EACH ROW EXECUTE FUNCTION record_change('role', 'role_id');
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON service_accounts
    FOR EACH ROW EXECUTE FUNCTION record_change('service_account', 'service_account_id', 'updated_at');
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON service_account_roles
    FOR EACH ROW EXECUTE FUNCTION record_change('service_account', 'service_account_id');
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON service_account_tokens
    FOR EACH ROW EXECUTE FUNCTION record_change('service_account', 'service_account_id', 'last_used_at');
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON organization_policies
    FOR EACH ROW EXECUTE FUNCTION record_change('organization', 'organization_id', 'updated_at');
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON sso_providers
    FOR EACH ROW EXECUTE FUNCTION record_change('sso_provider', 'provider_id', 'updated_at');
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON signing_keys
    FOR EACH ROW EXECUTE FUNCTION record_change('signing_key', 'key_id');
-- A login is no change of a user.
DROP TRIGGER record_change ON users;
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION record_change('user', 'user_id', 'updated_at', 'last_login_at');

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON user_credentials FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON service_accounts FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON organization_policies FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON sso_providers FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER require_live_parent BEFORE INSERT ON service_accounts FOR EACH ROW EXECUTE FUNCTION require_live_parent();

GRANT SELECT, INSERT, UPDATE ON user_credentials, login_challenges, one_time_tokens, refresh_tokens, organization_policies TO telemetryflow_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON recovery_codes, known_devices TO telemetryflow_app;
GRANT SELECT, INSERT, UPDATE (tenant_id, last_seen_at, revoked_at, revoked_why, methods) ON sessions TO telemetryflow_app;
GRANT SELECT, INSERT, UPDATE (accepted_at, revoked_at) ON invitations TO telemetryflow_app;
GRANT SELECT, INSERT (service_account_id, organization_id, name), UPDATE (name, is_enabled), DELETE ON service_accounts TO telemetryflow_app;
GRANT SELECT, INSERT, DELETE ON service_account_roles, role_filters TO telemetryflow_app;
GRANT SELECT, INSERT, UPDATE (revoked_at, last_used_at) ON service_account_tokens TO telemetryflow_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON sso_providers, verified_domains, user_identities TO telemetryflow_app;

-- Look-ups before a scope exists. Each gives what decides, and the scope to go on in.
-- +goose StatementBegin
CREATE FUNCTION find_login(address text)
RETURNS TABLE (user_id uuid, organization_id uuid, password_hash text, is_enabled boolean, mfa boolean, sso_only boolean, mfa_required boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.user_id, u.organization_id, c.password_hash, u.is_enabled AND NOT o.is_deleted, COALESCE(c.totp_confirmed_at IS NOT NULL, FALSE),
           COALESCE(p.sso_only, FALSE), COALESCE(p.mfa_required, FALSE)
    FROM public.users u
    JOIN public.organizations o ON o.organization_id = u.organization_id
    LEFT JOIN public.user_credentials c ON c.user_id = u.user_id
    LEFT JOIN public.organization_policies p ON p.organization_id = u.organization_id
    WHERE lower(u.email) = lower(address) AND NOT u.is_deleted
$$;

CREATE FUNCTION organization_of_session(id uuid) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.organization_id FROM public.sessions s WHERE s.session_id = id
$$;

CREATE FUNCTION find_session_by_cookie(hash bytea) RETURNS TABLE (session_id uuid, organization_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.session_id, s.organization_id FROM public.sessions s WHERE s.cookie_hash = hash
$$;

CREATE FUNCTION find_refresh_token(hash bytea) RETURNS TABLE (session_id uuid, organization_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.session_id, r.organization_id FROM public.refresh_tokens r WHERE r.token_hash = hash
$$;

CREATE FUNCTION find_challenge(hash bytea) RETURNS TABLE (organization_id uuid, user_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.organization_id, c.user_id FROM public.login_challenges c WHERE c.token_hash = hash
$$;

CREATE FUNCTION find_invitation(hash bytea) RETURNS TABLE (invitation_id uuid, organization_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT i.invitation_id, i.organization_id FROM public.invitations i WHERE i.token_hash = hash
$$;

CREATE FUNCTION find_one_time_token(token_kind text, hash bytea) RETURNS TABLE (organization_id uuid, user_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.organization_id, t.user_id FROM public.one_time_tokens t WHERE t.token_hash = hash AND t.kind = token_kind
$$;

CREATE FUNCTION find_service_token(hash bytea)
RETURNS TABLE (token_id uuid, service_account_id uuid, organization_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.token_id, t.service_account_id, t.organization_id FROM public.service_account_tokens t WHERE t.token_hash = hash
$$;

-- Providers that a login page offers: those of the installation, and of the organization
-- of a name, of a domain, or of an address.
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

-- What the finish of a single sign-on needs, of a provider whatever its organization.
CREATE FUNCTION read_login_provider(id uuid)
RETURNS TABLE (provider_id uuid, organization_id uuid, name text, kind text, issuer text, client_id text, client_secret bytea,
               scopes text[], link_by_verified_email boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.provider_id, p.organization_id, p.name, p.kind, p.issuer, p.client_id, p.client_secret, p.scopes, p.link_by_verified_email
    FROM public.sso_providers p WHERE p.provider_id = id AND p.is_enabled
$$;

CREATE FUNCTION find_identity(provider uuid, of_issuer text, of_subject text) RETURNS TABLE (organization_id uuid, user_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT i.organization_id, i.user_id FROM public.user_identities i
    WHERE i.provider_id = provider AND i.issuer = of_issuer AND i.subject = of_subject
$$;

CREATE FUNCTION organization_of_domain(of_domain text) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT d.organization_id FROM public.verified_domains d
    JOIN public.organizations o ON o.organization_id = d.organization_id AND NOT o.is_deleted
    WHERE d.domain = lower(of_domain) AND d.verified_at IS NOT NULL
$$;

CREATE FUNCTION begin_sso_login(state bytea, browser bytea, provider uuid, sealed bytea, until timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM public.sso_logins WHERE expires_at < now() - interval '1 day';
    INSERT INTO public.sso_logins (state_hash, browser_hash, provider_id, pending, expires_at) VALUES (state, browser, provider, sealed, until)
$$;

-- finish_sso_login gives what begin_sso_login kept, once.
CREATE FUNCTION finish_sso_login(state bytea, browser bytea) RETURNS TABLE (provider_id uuid, pending bytea)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE public.sso_logins l SET consumed_at = now()
    WHERE l.state_hash = state AND l.browser_hash = browser AND l.consumed_at IS NULL AND l.expires_at > now()
    RETURNING l.provider_id, l.pending
$$;

-- Failed logins. At 5 in 15 minutes the account is locked for 15 minutes; at 100 in a row
-- (NIST SP 800-63B, 5.2.2) until the password is reset. A known device has a count of its
-- own beside that of the account.
CREATE FUNCTION login_lock(of_account bytea, of_device bytea) RETURNS TABLE (locked_until timestamptz, for_good boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT max(f.locked_until) FILTER (WHERE f.device = of_device AND f.locked_until > now()), COALESCE(sum(f.consecutive) >= 100, FALSE)
    FROM public.login_failures f WHERE f.account = of_account
$$;

CREATE FUNCTION note_login_failure(of_account bytea, of_device bytea) RETURNS TABLE (failures integer, locked_until timestamptz)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO public.login_failures AS f (account, device, failures, window_began, consecutive)
    VALUES (of_account, of_device, 1, now(), 1)
    ON CONFLICT (account, device) DO UPDATE SET
        failures     = CASE WHEN f.window_began > now() - interval '15 minutes' THEN f.failures + 1 ELSE 1 END,
        window_began = CASE WHEN f.window_began > now() - interval '15 minutes' THEN f.window_began ELSE now() END,
        consecutive  = f.consecutive + 1,
        locked_until = CASE WHEN f.window_began > now() - interval '15 minutes' AND f.failures + 1 >= 5
                            THEN now() + interval '15 minutes' ELSE f.locked_until END
    RETURNING f.failures, CASE WHEN f.locked_until > now() THEN f.locked_until END
$$;

CREATE FUNCTION clear_login_failures(of_account bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM public.login_failures WHERE account = of_account
       OR window_began < now() - interval '30 days' AND COALESCE(locked_until, '-infinity') < now()
$$;

CREATE FUNCTION read_signing_keys() RETURNS TABLE (key_id text, sealed text, use_from timestamptz, previous text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT k.key_id, k.sealed, k.use_from, k.previous FROM public.signing_keys k ORDER BY k.use_from
$$;

CREATE FUNCTION add_signing_key(id text, sealed_key text, from_time timestamptz, after text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO public.signing_keys (key_id, sealed, use_from, previous) VALUES (id, sealed_key, from_time, after) ON CONFLICT (previous) DO NOTHING
$$;

CREATE FUNCTION delete_signing_keys(ids text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM public.signing_keys WHERE key_id = ANY (ids)
$$;

-- The set-up link of an installation without users.
CREATE FUNCTION has_users() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM public.user_credentials)
$$;

CREATE FUNCTION offer_setup(hash bytea, until timestamptz) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM public.one_time_tokens WHERE kind = 'setup' AND consumed_at IS NULL;
    INSERT INTO public.one_time_tokens (token_hash, kind, expires_at) VALUES (hash, 'setup', until)
$$;

CREATE FUNCTION take_setup(hash bytea) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.one_time_tokens SET consumed_at = now()
    WHERE token_hash = hash AND kind = 'setup' AND consumed_at IS NULL AND expires_at > now() AND NOT public.has_users();
    RETURN FOUND;
END $$;

-- What nobody needs any more: ended sessions, used and expired tokens. A few at a time.
CREATE FUNCTION prune_logins() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH s AS (DELETE FROM public.sessions WHERE session_id IN (SELECT session_id FROM public.sessions
               WHERE expires_at < now() - interval '30 days' LIMIT 1000 FOR UPDATE SKIP LOCKED) RETURNING 1),
         r AS (DELETE FROM public.refresh_tokens WHERE token_hash IN (SELECT token_hash FROM public.refresh_tokens
               WHERE expires_at < now() - interval '1 day' LIMIT 1000 FOR UPDATE SKIP LOCKED) RETURNING 1),
         c AS (DELETE FROM public.login_challenges WHERE expires_at < now() - interval '1 day' RETURNING 1),
         t AS (DELETE FROM public.one_time_tokens WHERE expires_at < now() - interval '30 days' RETURNING 1)
    SELECT (SELECT count(*) FROM s) + (SELECT count(*) FROM r) + (SELECT count(*) FROM c) + (SELECT count(*) FROM t)
$$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION find_login(text), organization_of_session(uuid), find_session_by_cookie(bytea), find_refresh_token(bytea),
    find_challenge(bytea), find_invitation(bytea), find_one_time_token(text, bytea), find_service_token(bytea), login_providers(text, text),
    read_login_provider(uuid), find_identity(uuid, text, text), organization_of_domain(text),
    begin_sso_login(bytea, bytea, uuid, bytea, timestamptz), finish_sso_login(bytea, bytea),
    login_lock(bytea, bytea), note_login_failure(bytea, bytea), clear_login_failures(bytea),
    read_signing_keys(), add_signing_key(text, text, timestamptz, text), delete_signing_keys(text[]),
    has_users(), offer_setup(bytea, timestamptz), take_setup(bytea), prune_logins() TO telemetryflow_app;

-- The chain of the audit trail: each entry's hash is of its digest and of the hash before.
-- Entries of an organization are numbered in the order of the chain.
ALTER TABLE audit_logs DROP CONSTRAINT audit_logs_actor_kind_check;
ALTER TABLE audit_logs
    ADD CONSTRAINT audit_logs_actor_kind_check CHECK (actor_kind IN ('user', 'service_account', 'api_key', 'operator', 'system')),
    ADD COLUMN request_id text NOT NULL DEFAULT '' CHECK (length(request_id) <= 100),
    ADD COLUMN sequence bigint,
    ADD COLUMN chain bytea;
GRANT INSERT (request_id) ON audit_logs TO telemetryflow_app;

CREATE TABLE audit_heads (
    organization_id uuid   PRIMARY KEY REFERENCES organizations,
    sequence        bigint NOT NULL,
    chain           bytea  NOT NULL
);
ALTER TABLE audit_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_heads FORCE ROW LEVEL SECURITY;
CREATE POLICY in_system ON audit_heads TO telemetryflow_owner USING (in_system()) WITH CHECK (in_system());

-- The entries there are: their digests stay, and become the beginning of the chain.
SET LOCAL telemetryflow.system = 'on';
ALTER TABLE audit_logs DISABLE TRIGGER append_only;
-- +goose StatementBegin
DO $$
DECLARE
    entry record;
    head bytea;
    number bigint;
    last uuid;
BEGIN
    FOR entry IN SELECT audit_id, organization_id, digest FROM public.audit_logs ORDER BY organization_id, audit_id LOOP
        IF last IS DISTINCT FROM entry.organization_id THEN
            head := ''; number := 0; last := entry.organization_id;
        END IF;
        number := number + 1;
        head := sha256(head || entry.digest);
        UPDATE public.audit_logs SET sequence = number, chain = head WHERE audit_id = entry.audit_id;
        INSERT INTO public.audit_heads VALUES (last, number, head)
        ON CONFLICT (organization_id) DO UPDATE SET sequence = EXCLUDED.sequence, chain = EXCLUDED.chain;
    END LOOP;
END $$;
-- +goose StatementEnd
ALTER TABLE audit_logs ENABLE TRIGGER append_only;
SET LOCAL telemetryflow.system = 'off';
ALTER TABLE audit_logs ALTER COLUMN sequence SET NOT NULL, ALTER COLUMN chain SET NOT NULL;
CREATE UNIQUE INDEX audit_logs_sequence ON audit_logs (organization_id, sequence);

-- audit_digest is SHA-256 of an entry without what the chain adds.
-- +goose StatementBegin
CREATE FUNCTION audit_digest(entry audit_logs) RETURNS bytea LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
    SELECT sha256(convert_to((to_jsonb(entry) - '{digest,sequence,chain}'::text[]
        - CASE WHEN entry.request_id = '' THEN '{request_id}'::text[] ELSE '{}' END)::text, 'UTF8'))
$$;

-- The head's row makes entries of one organization wait for one another, until the end of the transaction.
CREATE OR REPLACE FUNCTION seal_audit_log() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    NEW.digest := public.audit_digest(NEW);
    INSERT INTO public.audit_heads AS h (organization_id, sequence, chain) VALUES (NEW.organization_id, 1, sha256(NEW.digest))
    ON CONFLICT (organization_id) DO UPDATE SET sequence = h.sequence + 1, chain = sha256(h.chain || NEW.digest)
    RETURNING h.sequence, h.chain INTO NEW.sequence, NEW.chain;
    RETURN NEW;
END $$;

-- verify_audit_chain gives the entries of the scope's organization that are not as they
-- were written, or before which one is missing; the first there is may follow on pruned ones.
CREATE FUNCTION verify_audit_chain() RETURNS TABLE (sequence bigint, audit_id bigint) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.sequence, e.audit_id FROM (
        SELECT l.*, lag(l.chain) OVER w AS before, lag(l.sequence) OVER w AS number_before
        FROM public.audit_logs l WHERE l.organization_id = public.current_organization() WINDOW w AS (ORDER BY l.sequence)) e
    JOIN public.audit_logs l ON l.audit_id = e.audit_id
    WHERE e.digest <> public.audit_digest(l)
       OR e.before IS NOT NULL AND (e.chain <> sha256(e.before || e.digest) OR e.sequence <> e.number_before + 1)
       OR e.before IS NULL AND e.sequence = 1 AND e.chain <> sha256(e.digest)
    UNION ALL
    SELECT h.sequence, 0 FROM public.audit_heads h WHERE h.organization_id = public.current_organization()
      AND NOT EXISTS (SELECT FROM public.audit_logs l WHERE l.organization_id = h.organization_id AND l.sequence = h.sequence AND l.chain = h.chain)
    ORDER BY 1
$$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION verify_audit_chain() TO telemetryflow_app;

-- +goose Down
DROP FUNCTION verify_audit_chain();
ALTER TABLE audit_logs DISABLE TRIGGER append_only;
DROP INDEX audit_logs_sequence;
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION seal_audit_log() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' AS $$
BEGIN
    NEW.digest := sha256(convert_to((to_jsonb(NEW) - 'digest')::text, 'UTF8'));
    RETURN NEW;
END $$;
-- +goose StatementEnd
DROP FUNCTION audit_digest(audit_logs);
DROP TABLE audit_heads;
ALTER TABLE audit_logs DROP COLUMN chain, DROP COLUMN sequence, DROP COLUMN request_id;
ALTER TABLE audit_logs ENABLE TRIGGER append_only;
DROP FUNCTION prune_logins(), take_setup(bytea), offer_setup(bytea, timestamptz), has_users(),
    delete_signing_keys(text[]), add_signing_key(text, text, timestamptz, text), read_signing_keys(),
    clear_login_failures(bytea), note_login_failure(bytea, bytea), login_lock(bytea, bytea),
    finish_sso_login(bytea, bytea), begin_sso_login(bytea, bytea, uuid, bytea, timestamptz), organization_of_domain(text),
    find_identity(uuid, text, text), read_login_provider(uuid), login_providers(text, text), find_service_token(bytea),
    find_one_time_token(text, bytea), find_invitation(bytea), find_challenge(bytea), find_refresh_token(bytea),
    find_session_by_cookie(bytea), organization_of_session(uuid), find_login(text);
DROP TABLE signing_keys, sso_logins, user_identities, verified_domains, sso_providers, organization_policies, role_filters,
    service_account_tokens, service_account_roles, service_accounts, invitations, one_time_tokens, login_challenges,
    refresh_tokens, sessions, known_devices, login_failures, recovery_codes, user_credentials;
DROP TRIGGER record_change ON users;
ALTER TABLE users DROP COLUMN last_login_at, DROP COLUMN picture_url;
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION record_change('user', 'user_id', 'updated_at');
