-- name: ListProviders :many
-- The organization's own; one, or all.
SELECT provider_id, name, display_name, kind, issuer, client_id, scopes, algorithms, parameters, directories, link_by_verified_email, is_enabled,
    created_at, client_secret
FROM sso_providers WHERE organization_id = current_organization() AND (sqlc.narg(id)::uuid IS NULL OR provider_id = sqlc.narg(id)::uuid) ORDER BY name;

-- name: InsertProvider :one
INSERT INTO sso_providers (provider_id, organization_id, name, display_name, kind, issuer, client_id, client_secret, scopes, algorithms, parameters,
    directories, link_by_verified_email, is_enabled)
VALUES (sqlc.arg(id), current_organization(), sqlc.arg(name), sqlc.arg(display_name), sqlc.arg(kind), sqlc.arg(issuer), sqlc.arg(client_id),
    sqlc.arg(client_secret), sqlc.arg(scopes)::text[], sqlc.arg(algorithms)::text[], sqlc.arg(parameters), sqlc.arg(directories)::text[],
    sqlc.arg(link_by_verified_email), sqlc.arg(is_enabled)) RETURNING created_at;

-- name: UpdateProvider :execrows
UPDATE sso_providers SET display_name = sqlc.arg(display_name), kind = sqlc.arg(kind), issuer = sqlc.arg(issuer), client_id = sqlc.arg(client_id),
    client_secret = sqlc.arg(client_secret), scopes = sqlc.arg(scopes)::text[], algorithms = sqlc.arg(algorithms)::text[],
    parameters = sqlc.arg(parameters), directories = sqlc.arg(directories)::text[], link_by_verified_email = sqlc.arg(link_by_verified_email),
    is_enabled = sqlc.arg(is_enabled)
WHERE provider_id = sqlc.arg(id) AND organization_id = current_organization() AND client_secret = sqlc.arg(read_secret);

-- name: DeleteProvider :execrows
DELETE FROM sso_providers WHERE provider_id = $1 AND organization_id = current_organization();

-- name: ListDomains :many
SELECT domain, challenge, created_at, verified_at FROM verified_domains
WHERE sqlc.narg(domain)::text IS NULL OR domain = sqlc.narg(domain)::text ORDER BY domain LIMIT 1000;

-- name: InsertDomain :one
INSERT INTO verified_domains (organization_id, domain, challenge) VALUES (current_organization(), $1, $2) RETURNING created_at;

-- name: VerifyDomain :execrows
UPDATE verified_domains SET verified_at = now() WHERE domain = $1 AND challenge = $2 AND verified_at IS NULL;

-- name: DeleteDomain :execrows
DELETE FROM verified_domains WHERE domain = $1;

-- name: HasDomain :one
SELECT EXISTS (SELECT FROM verified_domains WHERE domain = $1 AND verified_at IS NOT NULL)::boolean AS has;

-- name: TouchIdentity :execrows
UPDATE user_identities SET email = sqlc.arg(email), last_login_at = now()
WHERE provider_id = sqlc.arg(provider_id) AND issuer = sqlc.arg(issuer) AND subject = sqlc.arg(subject) AND user_id = sqlc.arg(user_id);

-- name: InsertIdentity :exec
INSERT INTO user_identities (provider_id, issuer, subject, user_id, organization_id, email)
VALUES (sqlc.arg(provider_id), sqlc.arg(issuer), sqlc.arg(subject), sqlc.arg(user_id), current_organization(), sqlc.arg(email));

-- name: ListIdentities :many
SELECT i.identity_id, i.provider_id, p.name, p.display_name, i.email, i.created_at, i.last_login_at
FROM user_identities i JOIN sso_providers p USING (provider_id) WHERE i.user_id = $1 ORDER BY i.created_at, i.identity_id;

-- name: LockUser :exec
-- What is counted of one user is not changed by another transaction meanwhile.
SELECT user_id FROM users WHERE user_id = $1 FOR UPDATE;

-- name: DeleteIdentity :execrows
DELETE FROM user_identities WHERE identity_id = $1 AND user_id = $2;

-- name: GetAccount :one
SELECT u.email, u.is_enabled, COALESCE(c.password_hash, '')::text AS password_hash, (c.totp_confirmed_at IS NOT NULL)::boolean AS has_mfa,
    COALESCE(p.sso_only, FALSE)::boolean AS sso_only, COALESCE(p.mfa_required, FALSE)::boolean AS mfa_required
FROM users u LEFT JOIN user_credentials c USING (user_id) LEFT JOIN organization_policies p ON p.organization_id = u.organization_id
WHERE u.user_id = $1;

-- name: OldestTenant :one
SELECT tenant_id FROM tenants ORDER BY created_at, tenant_id LIMIT 1;
