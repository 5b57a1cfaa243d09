-- name: ListServiceAccounts :many
SELECT service_account_id, name, is_enabled, created_at FROM service_accounts ORDER BY lower(name), service_account_id;

-- name: GetServiceAccount :one
SELECT service_account_id, name, is_enabled, created_at FROM service_accounts WHERE service_account_id = $1;

-- name: InsertServiceAccount :one
INSERT INTO service_accounts (organization_id, name) VALUES (current_organization(), $1) RETURNING service_account_id;

-- name: UpdateServiceAccount :execrows
UPDATE service_accounts SET name = $2, is_enabled = $3 WHERE service_account_id = $1;

-- name: DeleteServiceAccount :execrows
DELETE FROM service_accounts WHERE service_account_id = $1;

-- name: ListServiceAccountRoles :many
SELECT role_id, tenant_id FROM service_account_roles WHERE service_account_id = $1 ORDER BY tenant_id, role_id;

-- name: ClearServiceAccountRoles :exec
DELETE FROM service_account_roles WHERE service_account_id = $1;

-- name: AddServiceAccountRole :exec
INSERT INTO service_account_roles (service_account_id, role_id, tenant_id, organization_id) VALUES ($1, $2, $3, current_organization());

-- name: ListTokens :many
SELECT token_id, name, created_at, expires_at, revoked_at, last_used_at FROM service_account_tokens
WHERE service_account_id = $1 ORDER BY created_at DESC;

-- name: InsertToken :one
INSERT INTO service_account_tokens (service_account_id, organization_id, name, token_hash, expires_at)
VALUES ($1, current_organization(), $2, $3, sqlc.narg(expires_at)) RETURNING token_id;

-- name: GetToken :one
SELECT t.token_id, t.service_account_id, t.expires_at, t.revoked_at, a.is_enabled
FROM service_account_tokens t JOIN service_accounts a USING (service_account_id) WHERE t.token_id = $1;

-- name: RevokeToken :execrows
UPDATE service_account_tokens SET revoked_at = now() WHERE token_id = $1 AND service_account_id = $2 AND revoked_at IS NULL;

-- name: NoteTokenUse :exec
UPDATE service_account_tokens SET last_used_at = now() WHERE token_id = $1 AND COALESCE(last_used_at, '-infinity') < now() - interval '1 minute';
