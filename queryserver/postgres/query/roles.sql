-- name: ListRoles :many
SELECT r.role_id, r.name, r.description, (r.organization_id IS NULL)::boolean AS built_in,
    COALESCE((SELECT array_agg(rp.permission_id ORDER BY rp.permission_id) FROM role_permissions rp WHERE rp.role_id = r.role_id), '{}')::text[] AS permissions,
    COALESCE((SELECT jsonb_agg(jsonb_build_object('dimension', f.dimension, 'values', f.allowed) ORDER BY f.dimension)
              FROM role_filters f WHERE f.role_id = r.role_id), '[]')::jsonb AS filters
FROM roles r WHERE sqlc.narg(role_id)::uuid IS NULL OR r.role_id = sqlc.narg(role_id)::uuid
ORDER BY r.organization_id NULLS FIRST, lower(r.name);

-- name: InsertRole :one
INSERT INTO roles (organization_id, name, description) VALUES (current_organization(), $1, $2) RETURNING role_id;

-- name: UpdateRole :execrows
UPDATE roles SET name = $2, description = $3 WHERE role_id = $1 AND organization_id IS NOT NULL;

-- name: DeleteRole :execrows
DELETE FROM roles WHERE role_id = $1 AND organization_id IS NOT NULL;

-- name: ClearRolePermissions :exec
DELETE FROM role_permissions WHERE role_id = $1;

-- name: AddRolePermission :exec
INSERT INTO role_permissions (role_id, permission_id, organization_id) VALUES ($1, $2, current_organization());

-- name: ClearRoleFilters :exec
DELETE FROM role_filters WHERE role_id = $1;

-- name: AddRoleFilter :exec
INSERT INTO role_filters (role_id, organization_id, dimension, allowed) VALUES ($1, current_organization(), $2, $3);
