-- Invitations can be sent again.

-- +goose Up
-- Who sends one again answers for it from then on; the token before ends.
GRANT UPDATE (token_hash, expires_at, invited_by) ON invitations TO telemetryflow_app;
-- One at a time for an address, expired or not: it is sent again, or revoked.
CREATE UNIQUE INDEX invitations_open ON invitations (organization_id, lower(email)) WHERE accepted_at IS NULL AND revoked_at IS NULL;

-- +goose Down
DROP INDEX invitations_open;
REVOKE UPDATE (token_hash, expires_at, invited_by) ON invitations FROM telemetryflow_app;
