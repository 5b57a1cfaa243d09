-- name: InsertSession :one
INSERT INTO sessions (user_id, organization_id, tenant_id, cookie_hash, methods, client_ip, user_agent, expires_at)
VALUES (sqlc.arg(user_id), current_organization(), sqlc.narg(tenant_id), sqlc.narg(cookie_hash), sqlc.arg(methods), sqlc.narg(client_ip), sqlc.arg(user_agent), sqlc.arg(expires_at))
RETURNING session_id;

-- name: ClearLoginFailures :exec
SELECT clear_login_failures($1);

-- name: GetSession :one
SELECT session_id, user_id, tenant_id, methods, created_at, last_seen_at, expires_at, revoked_at FROM sessions WHERE session_id = $1;

-- name: ListSessions :many
SELECT session_id, user_id, methods, client_ip, user_agent, created_at, last_seen_at, expires_at FROM sessions
WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now() ORDER BY created_at DESC LIMIT 200;

-- name: TouchSession :exec
UPDATE sessions SET last_seen_at = now() WHERE session_id = $1 AND last_seen_at < now() - interval '1 minute';

-- name: SwitchTenant :execrows
UPDATE sessions SET tenant_id = $2 WHERE session_id = $1 AND revoked_at IS NULL;

-- name: RevokeSession :execrows
UPDATE sessions SET revoked_at = now(), revoked_why = $2 WHERE session_id = $1 AND revoked_at IS NULL;

-- name: RevokeSessions :execrows
-- All of a user, but perhaps one.
UPDATE sessions SET revoked_at = now(), revoked_why = sqlc.arg(why)
WHERE user_id = sqlc.arg(user_id) AND revoked_at IS NULL AND session_id IS DISTINCT FROM sqlc.narg(but)::uuid;

-- name: InsertRefreshToken :exec
INSERT INTO refresh_tokens (token_hash, session_id, organization_id, expires_at) VALUES ($1, $2, current_organization(), $3);

-- name: UseRefreshToken :execrows
UPDATE refresh_tokens SET used_at = now(), successor = sqlc.arg(successor)
WHERE token_hash = sqlc.arg(token_hash) AND used_at IS NULL AND expires_at > now();

-- name: GetRefreshToken :one
SELECT session_id, expires_at, used_at, successor FROM refresh_tokens WHERE token_hash = $1;

-- name: InsertChallenge :exec
INSERT INTO login_challenges (token_hash, user_id, organization_id, methods, details, expires_at)
VALUES (sqlc.arg(token_hash), sqlc.arg(user_id), current_organization(), sqlc.arg(methods), sqlc.arg(details), sqlc.arg(expires_at));

-- name: TryChallenge :one
-- Counts a try before it is judged, so that tries at once cannot pass the limit.
UPDATE login_challenges SET tries = tries + 1
WHERE token_hash = sqlc.arg(token_hash) AND consumed_at IS NULL AND expires_at > now() AND tries < sqlc.arg(max_tries)
RETURNING user_id, methods, details;

-- name: ConsumeChallenge :execrows
UPDATE login_challenges SET consumed_at = now() WHERE token_hash = $1 AND consumed_at IS NULL AND expires_at > now();

-- name: InsertOneTimeToken :exec
INSERT INTO one_time_tokens (token_hash, kind, organization_id, user_id, details, expires_at)
VALUES (sqlc.arg(token_hash), sqlc.arg(kind), current_organization(), sqlc.narg(user_id), sqlc.arg(details), sqlc.arg(expires_at));

-- name: ConsumeOneTimeToken :one
UPDATE one_time_tokens SET consumed_at = now()
WHERE token_hash = $1 AND kind = $2 AND consumed_at IS NULL AND expires_at > now() RETURNING user_id, details;

-- name: RevokeOneTimeTokens :exec
UPDATE one_time_tokens SET consumed_at = now() WHERE user_id = $1 AND kind = $2 AND consumed_at IS NULL;

-- name: CountOneTimeTokens :one
-- Those made for a user in the last hour.
SELECT count(*) FROM one_time_tokens WHERE user_id = $1 AND kind = $2 AND created_at > now() - interval '1 hour';
