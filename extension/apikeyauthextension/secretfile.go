package apikeyauthextension

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
)

const (
	// recheck is how often the file is looked at, at most: a rotation has a grace
	// of hours, while a stat per request would cost more than the request.
	recheck = time.Second
	// maxSecretFile bounds what is read, in bytes.
	maxSecretFile = 1024
)

// secretFile is a secret in a file, read again when the file changes. The file
// holds the secret, or id:secret as `telemetryflow apikey --secret-file` writes it.
type secretFile struct {
	path   string
	id     string // the key's
	logger *zap.Logger

	mu      sync.Mutex
	checked time.Time
	seen    os.FileInfo
	secret  string
}

func newSecretFile(path, id string, logger *zap.Logger) *secretFile {
	return &secretFile{path: path, id: id, logger: logger}
}

// read returns the secret. A file that has become unreadable leaves the last one
// in force.
func (f *secretFile) read() (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.secret != "" && time.Since(f.checked) < recheck {
		return f.secret, nil
	}
	f.checked = time.Now()
	if err := f.reload(); err != nil {
		if f.secret == "" {
			return "", fmt.Errorf("`client::key_secret_file`: %w", err)
		}
		f.logger.Warn("The secret file cannot be read; the last secret stays in use.", zap.Error(err))
	}
	return f.secret, nil
}

func (f *secretFile) reload() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	if f.seen != nil && os.SameFile(info, f.seen) && info.ModTime().Equal(f.seen.ModTime()) && info.Size() == f.seen.Size() {
		return nil
	}
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSecretFile))
	if err != nil {
		return err
	}
	secret := strings.TrimPrefix(strings.TrimSpace(string(content)), f.id+":")
	if !apikey.ValidSecret(secret) {
		return fmt.Errorf("%s holds neither the secret of %s, tfs_ and 64 lower-case hex digits, nor id:secret", f.path, f.id)
	}
	f.secret, f.seen = secret, info
	return nil
}
