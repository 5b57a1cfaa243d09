-- name: GetOrganization :one
SELECT organization_id, name, created_at FROM organizations;

-- name: RenameOrganization :execrows
UPDATE organizations SET name = $1;

-- name: ListWorkspaces :many
SELECT workspace_id, name, created_at FROM workspaces ORDER BY lower(name), workspace_id;

-- name: InsertWorkspace :one
INSERT INTO workspaces (organization_id, name) VALUES (current_organization(), $1) RETURNING workspace_id, name, created_at;

-- name: RenameWorkspace :execrows
UPDATE workspaces SET name = $2 WHERE workspace_id = $1;

-- name: DeleteWorkspace :one
SELECT delete_workspace(sqlc.arg(id)::uuid)::boolean AS deleted;

-- name: ListTenants :many
SELECT tenant_id, workspace_id, name, created_at FROM tenants
WHERE sqlc.narg(workspace_id)::uuid IS NULL OR workspace_id = sqlc.narg(workspace_id)::uuid ORDER BY lower(name), tenant_id;

-- name: InsertTenant :one
INSERT INTO tenants (organization_id, workspace_id, name) VALUES (current_organization(), $1, $2) RETURNING tenant_id, workspace_id, name, created_at;

-- name: RenameTenant :execrows
UPDATE tenants SET name = $2 WHERE tenant_id = $1;

-- name: DeleteTenant :one
SELECT delete_tenant(sqlc.arg(id)::uuid)::boolean AS deleted;

-- name: GetPolicy :one
SELECT sso_only, mfa_required, default_role_id FROM organization_policies;

-- name: SetPolicy :exec
INSERT INTO organization_policies (organization_id, sso_only, mfa_required, default_role_id) VALUES (current_organization(), $1, $2, $3)
ON CONFLICT (organization_id) DO UPDATE SET sso_only = EXCLUDED.sso_only, mfa_required = EXCLUDED.mfa_required, default_role_id = EXCLUDED.default_role_id;

-- name: InsertAudit :exec
INSERT INTO audit_logs (organization_id, tenant_id, actor_kind, actor_id, action, subject, outcome, client_ip, detail, request_id)
VALUES (current_organization(), sqlc.narg(tenant_id), sqlc.arg(actor_kind), sqlc.arg(actor_id), sqlc.arg(action), sqlc.arg(subject), sqlc.arg(outcome),
    sqlc.narg(client_ip), sqlc.arg(detail), sqlc.arg(request_id));

-- name: ListAudit :many
SELECT sequence, at, tenant_id, actor_kind, actor_id, action, subject, outcome, client_ip, detail, request_id FROM audit_logs
WHERE sequence < sqlc.arg(before) AND (sqlc.narg(action)::text IS NULL OR action = sqlc.narg(action)::text)
    AND (sqlc.narg(actor_id)::text IS NULL OR actor_id = sqlc.narg(actor_id)::text)
    AND at >= sqlc.arg(from_time) AND at < sqlc.arg(to_time)
ORDER BY sequence DESC LIMIT sqlc.arg(n);
