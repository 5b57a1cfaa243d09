-- name: ListInvitations :many
-- Those that are neither accepted nor revoked, newest first; expired ones too, which may be sent again.
SELECT invitation_id, email, roles, invited_by, created_at, expires_at FROM invitations
WHERE accepted_at IS NULL AND revoked_at IS NULL
    AND (created_at, invitation_id) < (sqlc.arg(before)::timestamptz, sqlc.arg(before_id)::uuid)
ORDER BY created_at DESC, invitation_id DESC LIMIT sqlc.arg(n);

-- name: GetInvitation :one
SELECT invitation_id, email, roles, invited_by, created_at, expires_at FROM invitations
WHERE invitation_id = $1 AND accepted_at IS NULL AND revoked_at IS NULL;

-- name: GetInvitationByToken :one
SELECT invitation_id, email, roles, invited_by, created_at, expires_at FROM invitations
WHERE token_hash = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > now();

-- name: InsertInvitation :one
INSERT INTO invitations (organization_id, email, roles, token_hash, invited_by, expires_at)
VALUES (current_organization(), $1, $2, sqlc.arg(token_hash), sqlc.arg(invited_by), sqlc.arg(expires_at)) RETURNING invitation_id, created_at;

-- name: RenewInvitation :execrows
UPDATE invitations SET token_hash = sqlc.arg(token_hash), invited_by = sqlc.arg(invited_by), expires_at = sqlc.arg(expires_at)
WHERE invitation_id = sqlc.arg(invitation_id) AND accepted_at IS NULL AND revoked_at IS NULL;

-- name: RevokeInvitation :execrows
UPDATE invitations SET revoked_at = now() WHERE invitation_id = $1 AND accepted_at IS NULL AND revoked_at IS NULL;

-- name: AcceptInvitation :one
UPDATE invitations SET accepted_at = now()
WHERE token_hash = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > now() RETURNING invitation_id, email, roles, invited_by;
