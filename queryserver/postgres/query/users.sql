-- name: GetUser :one
SELECT u.user_id, u.email, u.display_name, u.picture_url, u.is_enabled, u.created_at, u.last_login_at,
    (c.password_hash IS NOT NULL)::boolean AS has_password, (c.totp_confirmed_at IS NOT NULL)::boolean AS has_mfa
FROM users u LEFT JOIN user_credentials c USING (user_id) WHERE u.user_id = $1;

-- name: ListUsers :many
SELECT u.user_id, u.email, u.display_name, u.picture_url, u.is_enabled, u.created_at, u.last_login_at,
    (c.password_hash IS NOT NULL)::boolean AS has_password, (c.totp_confirmed_at IS NOT NULL)::boolean AS has_mfa
FROM users u LEFT JOIN user_credentials c USING (user_id)
WHERE (lower(u.email), u.user_id) > (lower(sqlc.arg(after_email)::text), sqlc.arg(after_id)::uuid)
ORDER BY lower(u.email), u.user_id LIMIT sqlc.arg(n);

-- name: InsertUser :one
INSERT INTO users (organization_id, email, display_name) VALUES (current_organization(), $1, $2) RETURNING user_id;

-- name: UpdateUser :execrows
UPDATE users SET display_name = COALESCE(sqlc.narg(display_name), display_name), is_enabled = COALESCE(sqlc.narg(is_enabled), is_enabled)
WHERE user_id = sqlc.arg(user_id);

-- name: CountUsersWithEmail :one
SELECT count(*) FROM users WHERE lower(email) = lower(sqlc.arg(email)::text);

-- name: RefreshProfile :execrows
-- What the provider does not tell stays.
UPDATE users SET display_name = CASE WHEN sqlc.arg(display_name)::text = '' THEN display_name ELSE sqlc.arg(display_name) END,
    picture_url = CASE WHEN sqlc.arg(picture_url)::text = '' THEN picture_url ELSE sqlc.arg(picture_url) END
WHERE user_id = sqlc.arg(user_id) AND (sqlc.arg(display_name) NOT IN ('', display_name) OR sqlc.arg(picture_url) NOT IN ('', picture_url));

-- name: NoteLogin :exec
UPDATE users SET last_login_at = now() WHERE user_id = $1;

-- name: DeleteUser :one
SELECT delete_user(sqlc.arg(id)::uuid)::boolean AS deleted;

-- name: AddMembership :exec
INSERT INTO memberships (user_id, tenant_id, organization_id) VALUES ($1, $2, current_organization()) ON CONFLICT DO NOTHING;

-- name: RemoveMembership :execrows
DELETE FROM memberships WHERE user_id = $1 AND tenant_id = $2;

-- name: AssignRole :exec
INSERT INTO user_roles (user_id, role_id, tenant_id, organization_id) VALUES ($1, $2, $3, current_organization()) ON CONFLICT DO NOTHING;

-- name: UnassignRole :execrows
DELETE FROM user_roles WHERE user_id = $1 AND role_id = $2 AND tenant_id = $3;

-- name: ListAssignments :many
SELECT role_id, tenant_id FROM user_roles WHERE user_id = $1 ORDER BY tenant_id, role_id;

-- name: OwnersLeft :one
-- Enabled users other than one who hold the role Owner in any tenant.
SELECT count(DISTINCT ur.user_id) FROM user_roles ur JOIN users u USING (user_id)
WHERE ur.role_id = '00000000-0000-8000-8000-000000000001' AND u.is_enabled AND ur.user_id <> $1;
