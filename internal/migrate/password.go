package migrate

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/telemetryflow/telemetryflow/internal/postgres"
)

// scramIterations is PostgreSQL's own default. The passwords are long and random,
// so more would only slow connecting.
const scramIterations = 4096

// minPassword is what keeps a password out of reach of guessing, in characters.
const minPassword = 16

// SetPassword gives a role a password, as the URL's user. The server is sent a
// verifier, so the password is in no statement and no log.
func SetPassword(ctx context.Context, url, role, password string) error {
	if len(password) < minPassword {
		return fmt.Errorf("the password of %s is too short: use at least %d characters", role, minPassword)
	}
	for _, c := range password {
		if c < 0x20 || c > 0x7e {
			return fmt.Errorf("the password of %s: use ASCII characters only", role) // others need SASLprep
		}
	}
	verifier, err := scramVerifier(password)
	if err != nil {
		return fmt.Errorf("hash the password of %s: %w", role, err)
	}
	config, err := postgres.ConnConfig(url)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	// Neither needs quoting: base64, and one of our own roles.
	if role != AppRole && role != IngestRole {
		return errors.New("a password can be set for " + AppRole + " and " + IngestRole + " only")
	}
	if _, err := conn.Exec(ctx, "ALTER ROLE "+role+" PASSWORD '"+verifier+"'"); err != nil {
		return fmt.Errorf("set the password of %s (it takes an administrator): %w", role, err)
	}
	return nil
}

// scramVerifier is what PostgreSQL stores for SCRAM-SHA-256 (RFC 5803).
func scramVerifier(password string) (string, error) {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // crypto/rand.Read never fails (Go 1.24)
	salted, err := pbkdf2.Key(sha256.New, password, salt, scramIterations, sha256.Size)
	if err != nil {
		return "", err
	}
	stored := sha256.Sum256(sign(salted, "Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", scramIterations, encode(salt), encode(stored[:]), encode(sign(salted, "Server Key"))), nil
}

func sign(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
