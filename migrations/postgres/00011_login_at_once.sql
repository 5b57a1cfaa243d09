-- A login asks PostgreSQL once before the password is checked; and who counts as
-- somebody who can log in.

-- +goose Up
-- Planned as a thousand rows each, the two would be costly enough to be compiled.
ALTER FUNCTION find_login(text) ROWS 1;
ALTER FUNCTION login_lock(bytea, bytea) ROWS 1;

-- begin_login is find_login and login_lock in one, and whether the browser is known as the
-- user's, whose count is then its own. One row, also for an address that nobody has.
-- +goose StatementBegin
CREATE FUNCTION begin_login(address text, of_account bytea, of_device bytea)
RETURNS TABLE (user_id uuid, organization_id uuid, password_hash text, is_enabled boolean, mfa boolean, sso_only boolean, mfa_required boolean,
               device_known boolean, locked_until timestamptz, for_good boolean)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.user_id, u.organization_id, u.password_hash, COALESCE(u.is_enabled, FALSE), COALESCE(u.mfa, FALSE),
           COALESCE(u.sso_only, FALSE), COALESCE(u.mfa_required, FALSE), d.known, l.locked_until, l.for_good
    FROM (SELECT) AS one
    LEFT JOIN public.find_login(address) u ON TRUE
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM public.known_devices k WHERE k.user_id = u.user_id AND k.device_hash = of_device) AS known) d
    CROSS JOIN LATERAL public.login_lock(of_account, CASE WHEN d.known THEN of_device ELSE '' END) l
$$;

-- A token that was used or has expired is not found, so that nothing is done for it.
CREATE OR REPLACE FUNCTION find_one_time_token(token_kind text, hash bytea) RETURNS TABLE (organization_id uuid, user_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.organization_id, t.user_id FROM public.one_time_tokens t
    WHERE t.token_hash = hash AND t.kind = token_kind AND t.consumed_at IS NULL AND t.expires_at > now()
$$;

-- has_users says whether anybody can log in: by a password, or by an identity at a
-- provider. The set-up link counts exactly while nobody can.
CREATE OR REPLACE FUNCTION has_users() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM public.users u
        JOIN public.organizations o ON o.organization_id = u.organization_id AND NOT o.is_deleted
        LEFT JOIN public.organization_policies p ON p.organization_id = u.organization_id
        WHERE u.is_enabled AND NOT u.is_deleted AND (
            NOT COALESCE(p.sso_only, FALSE)
                AND EXISTS (SELECT FROM public.user_credentials c WHERE c.user_id = u.user_id AND c.password_hash IS NOT NULL)
            OR EXISTS (SELECT FROM public.user_identities i JOIN public.sso_providers s ON s.provider_id = i.provider_id AND s.is_enabled
                       WHERE i.user_id = u.user_id)))
$$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION begin_login(text, bytea, bytea) TO telemetryflow_app;

-- +goose Down
DROP FUNCTION begin_login(text, bytea, bytea);
ALTER FUNCTION login_lock(bytea, bytea) ROWS 1000;
ALTER FUNCTION find_login(text) ROWS 1000;
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION find_one_time_token(token_kind text, hash bytea) RETURNS TABLE (organization_id uuid, user_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.organization_id, t.user_id FROM public.one_time_tokens t WHERE t.token_hash = hash AND t.kind = token_kind
$$;

CREATE OR REPLACE FUNCTION has_users() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM public.user_credentials)
$$;
-- +goose StatementEnd
