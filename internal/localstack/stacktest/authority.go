//go:build linux

package stacktest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Certificate is a self-signed certificate for 127.0.0.1.
type Certificate struct {
	CertFile string // PEM, and the authority to trust as well
	KeyFile  string
	Pool     *x509.CertPool
}

// NewCertificate makes a certificate that is good for an hour.
func NewCertificate(t testing.TB) *Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotBefore:             time.Now().Add(-time.Minute),
		NotAfter:              time.Now().Add(time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)

	folder := t.TempDir()
	c := &Certificate{
		CertFile: filepath.Join(folder, "otlp.crt"),
		KeyFile:  filepath.Join(folder, "otlp.key"),
		Pool:     x509.NewCertPool(),
	}
	c.Pool.AddCert(parsed)
	for path, block := range map[string]*pem.Block{
		c.CertFile: {Type: "CERTIFICATE", Bytes: der},
		c.KeyFile:  {Type: "PRIVATE KEY", Bytes: secret},
	} {
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(block), 0o600))
	}
	return c
}

// TLS trusts the certificate.
func (c *Certificate) TLS() *tls.Config {
	return &tls.Config{RootCAs: c.Pool, MinVersion: tls.VersionTLS12}
}

// Client is an HTTP client that trusts the certificate.
func (c *Certificate) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: c.TLS()}, Timeout: time.Minute}
}
