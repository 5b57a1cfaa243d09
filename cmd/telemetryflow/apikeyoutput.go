package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
	"github.com/telemetryflow/telemetryflow/internal/apikey/keyadmin"
	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// withSecret is a key at the one moment at which its secret is known.
type withSecret struct {
	keyadmin.Key
	Secret string `json:"secret,omitempty"`
}

func (k *apiKeys) printSecret(out io.Writer, key keyadmin.Key, credential apikey.Credential, file string) error {
	shown := withSecret{Key: key, Secret: credential.Secret}
	if file != "" {
		shown.Secret = ""
		if err := writeSecret(file, key.ID+":"+credential.Secret+"\n"); err != nil {
			return fmt.Errorf("the key %s was made, but its secret could not be written; rotate it: %w", key.ID, err)
		}
	}
	if k.output == "json" {
		return printJSON(out, shown)
	}
	if err := k.print(out, []keyadmin.Key{key}); err != nil || file != "" {
		return err
	}
	_, err := fmt.Fprintf(out, "\nsecret: %s\nIt is shown only now.\n", credential.Secret)
	return err
}

func writeSecret(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

func (k *apiKeys) print(out io.Writer, keys []keyadmin.Key) error {
	if k.output == "json" {
		return printJSON(out, keys)
	}
	return printTable(out, nil, keys, func(key keyadmin.Key) []any {
		return []any{key.ID, key.Name, bound(key), join(key.Permissions), state(key, time.Now()), moment(key.CreatedAt), lastUsed(key)}
	})
}

func bound(key keyadmin.Key) string {
	switch {
	case key.Tenant != nil:
		return "tenant " + key.Tenant.String()
	case key.Workspace != nil:
		return "workspace " + key.Workspace.String()
	default:
		return "organization " + key.Organization.String()
	}
}

func join(permissions []tenant.Permission) string {
	texts := make([]string, len(permissions))
	for i, permission := range permissions {
		texts[i] = string(permission)
	}
	return strings.Join(texts, ",")
}

func state(key keyadmin.Key, now time.Time) string {
	switch {
	case key.RevokedAt != nil:
		return "revoked " + moment(*key.RevokedAt)
	case key.ExpiresAt != nil && key.ExpiresAt.Before(now):
		return "expired " + moment(*key.ExpiresAt)
	case key.ExpiresAt != nil:
		return "until " + moment(*key.ExpiresAt)
	default:
		return "active"
	}
}

func lastUsed(key keyadmin.Key) string {
	if key.LastUsedAt == nil {
		return "never used"
	}
	return "used " + moment(*key.LastUsedAt)
}

func moment(at time.Time) string { return at.UTC().Format(time.DateOnly + "T15:04Z") }
