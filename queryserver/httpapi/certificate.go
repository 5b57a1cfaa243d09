package httpapi

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateCheck is how often, at most, the files are looked at: a stat is cheap, and a
// renewed certificate is due for days.
const certificateCheck = time.Second

// certificate is the one of the public listener, read again when its files change.
type certificate struct {
	files  TLSSettings
	logger *slog.Logger

	mu      sync.Mutex
	loaded  *tls.Certificate
	stamp   string
	checked time.Time
}

func (s *Server) loadCertificate() error {
	if s.settings.TLS.CertFile == "" {
		return nil
	}
	s.certificate = &certificate{files: s.settings.TLS, logger: s.logger}
	if err := s.certificate.load(); err != nil {
		return fmt.Errorf("read the certificate of tls: %w", err)
	}
	return nil
}

// config offers TLS 1.2 and later (ASVS 12.1.1). The suites are Go's own choice.
func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: c.get}
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) >= certificateCheck {
		if err := c.load(); err != nil {
			// The files may be half written: the old certificate is still good.
			c.logger.Error("certificate not read again", "error", err)
		}
	}
	return c.loaded, nil
}

func (c *certificate) load() error {
	c.checked = time.Now()
	stamp, err := stampOf(c.files.CertFile, c.files.KeyFile)
	if err != nil || stamp == c.stamp {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.files.CertFile, c.files.KeyFile)
	if err != nil {
		return fmt.Errorf("read %s and %s: %w", c.files.CertFile, c.files.KeyFile, err)
	}
	c.loaded, c.stamp = &pair, stamp
	return nil
}

func stampOf(files ...string) (string, error) {
	var stamp string
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return "", err
		}
		stamp += fmt.Sprintln(info.ModTime().UnixNano(), info.Size())
	}
	return stamp, nil
}
