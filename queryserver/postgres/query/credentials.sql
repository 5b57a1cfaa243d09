-- name: GetCredentials :one
SELECT password_hash, password_changed_at, totp_secret, totp_confirmed_at, totp_last_step FROM user_credentials WHERE user_id = $1;

-- name: SetPassword :exec
INSERT INTO user_credentials (user_id, organization_id, password_hash, password_changed_at)
VALUES ($1, current_organization(), sqlc.arg(password_hash), now())
ON CONFLICT (user_id) DO UPDATE SET password_hash = EXCLUDED.password_hash, password_changed_at = now();

-- name: Rehash :execrows
-- Only while the hash is still the one that was verified.
UPDATE user_credentials SET password_hash = sqlc.arg(new_hash) WHERE user_id = $1 AND password_hash = sqlc.arg(old_hash);

-- name: SetTOTP :execrows
INSERT INTO user_credentials (user_id, organization_id, totp_secret) VALUES ($1, current_organization(), sqlc.arg(totp_secret))
ON CONFLICT (user_id) DO UPDATE SET totp_secret = EXCLUDED.totp_secret, totp_confirmed_at = NULL, totp_last_step = 0
WHERE user_credentials.totp_confirmed_at IS NULL;

-- name: ConfirmTOTP :execrows
UPDATE user_credentials SET totp_confirmed_at = now(), totp_last_step = sqlc.arg(step)
WHERE user_id = $1 AND totp_secret IS NOT NULL AND totp_confirmed_at IS NULL;

-- name: TakeTOTPStep :execrows
-- RFC 6238 section 5.2: each code is accepted once.
UPDATE user_credentials SET totp_last_step = sqlc.arg(step) WHERE user_id = $1 AND totp_confirmed_at IS NOT NULL AND totp_last_step < sqlc.arg(step);

-- name: RemoveTOTP :execrows
UPDATE user_credentials SET totp_secret = NULL, totp_confirmed_at = NULL, totp_last_step = 0 WHERE user_id = $1 AND totp_secret IS NOT NULL;

-- name: ClearRecoveryCodes :exec
DELETE FROM recovery_codes WHERE user_id = $1;

-- name: AddRecoveryCode :exec
INSERT INTO recovery_codes (user_id, organization_id, number, code_hash) VALUES ($1, current_organization(), $2, $3);

-- name: ListRecoveryCodes :many
SELECT number, code_hash FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL ORDER BY number;

-- name: UseRecoveryCode :execrows
UPDATE recovery_codes SET used_at = now() WHERE user_id = $1 AND number = $2 AND used_at IS NULL;

-- name: FindDevice :one
SELECT count(*) FROM known_devices WHERE user_id = $1 AND device_hash = $2;

-- name: KeepDevice :execrows
INSERT INTO known_devices (device_hash, user_id, organization_id) VALUES ($1, $2, current_organization())
ON CONFLICT (device_hash) DO UPDATE SET last_seen_at = now() WHERE known_devices.user_id = EXCLUDED.user_id;

-- name: ForgetDevices :exec
DELETE FROM known_devices WHERE user_id = $1;
