-- name: UserAuthority :many
-- What a user may do, by tenant and role. Nothing for a disabled user.
SELECT m.tenant_id, t.workspace_id, ur.role_id, r.name AS role_name,
    COALESCE((SELECT array_agg(rp.permission_id ORDER BY rp.permission_id) FROM role_permissions rp WHERE rp.role_id = ur.role_id), '{}')::text[] AS permissions,
    COALESCE((SELECT jsonb_agg(jsonb_build_object('dimension', f.dimension, 'values', f.allowed) ORDER BY f.dimension)
              FROM role_filters f WHERE f.role_id = ur.role_id), '[]')::jsonb AS filters
FROM users u
JOIN memberships m ON m.user_id = u.user_id
JOIN tenants t ON t.tenant_id = m.tenant_id
LEFT JOIN user_roles ur ON ur.user_id = m.user_id AND ur.tenant_id = m.tenant_id
LEFT JOIN roles r ON r.role_id = ur.role_id
WHERE u.user_id = $1 AND u.is_enabled
ORDER BY t.workspace_id, m.tenant_id, ur.role_id;

-- name: ServiceAccountAuthority :many
SELECT sr.tenant_id, t.workspace_id, sr.role_id, r.name AS role_name,
    COALESCE((SELECT array_agg(rp.permission_id ORDER BY rp.permission_id) FROM role_permissions rp WHERE rp.role_id = sr.role_id), '{}')::text[] AS permissions,
    COALESCE((SELECT jsonb_agg(jsonb_build_object('dimension', f.dimension, 'values', f.allowed) ORDER BY f.dimension)
              FROM role_filters f WHERE f.role_id = sr.role_id), '[]')::jsonb AS filters
FROM service_accounts a
JOIN service_account_roles sr USING (service_account_id)
JOIN tenants t ON t.tenant_id = sr.tenant_id
JOIN roles r ON r.role_id = sr.role_id
WHERE a.service_account_id = $1 AND a.is_enabled
ORDER BY t.workspace_id, sr.tenant_id, sr.role_id;
