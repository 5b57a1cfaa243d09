package oidctest

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Client is an application that the provider knows, as oidc-provider reads it.
type Client struct {
	ID           string   `json:"client_id"`
	Secret       string   `json:"client_secret"`
	RedirectURIs []string `json:"redirect_uris"`
	// Algorithm signs its ID tokens: RS256 (the default), ES256 or EdDSA.
	Algorithm string `json:"id_token_signed_response_alg,omitempty"`
	// AuthMethod is client_secret_basic (the default) or client_secret_post.
	AuthMethod string `json:"token_endpoint_auth_method,omitempty"`
}

// Provider is npm's oidc-provider in a process of its own.
type Provider struct {
	Issuer string
	Roots  *x509.CertPool // trust its certificate
	CAFile string         // the same, in PEM

	process *exec.Cmd
	log     *bytes.Buffer
	mu      sync.Mutex // one command at a time
	in      io.WriteCloser
	out     *bufio.Reader
}

// NewProvider starts a provider that ends with the test.
func NewProvider(t testing.TB, clients ...Client) *Provider {
	t.Helper()
	installation, script := installed(t)
	public, private, roots := certificate(t)
	p := &Provider{Roots: roots, CAFile: keep(t, []byte(public)), log: new(bytes.Buffer)}
	p.process = exec.Command("node", script, installation)
	p.process.Stderr = p.log
	in, err := p.process.StdinPipe()
	require.NoError(t, err)
	out, err := p.process.StdoutPipe()
	require.NoError(t, err)
	p.in, p.out = in, bufio.NewReader(out)
	require.NoError(t, p.process.Start(), "install Node.js 20 or later")
	t.Cleanup(p.Stop)
	var started struct{ Issuer string }
	p.send(t, map[string]any{"command": "start", "key": private, "certificate": public, "clients": append([]Client{}, clients...)}, &started)
	p.Issuer = started.Issuer
	return p
}

// SetAccounts replaces the accounts: by login, which is also the subject, the claims.
func (p *Provider) SetAccounts(t testing.TB, accounts map[string]map[string]any) {
	t.Helper()
	p.send(t, map[string]any{"command": "accounts", "accounts": accounts}, nil)
}

// SetClients replaces the applications that the provider knows, and its keys.
func (p *Provider) SetClients(t testing.TB, clients ...Client) {
	t.Helper()
	p.send(t, map[string]any{"command": "clients", "clients": clients}, nil)
}

// RotateKeys lets the provider sign with new keys and forget the old ones.
func (p *Provider) RotateKeys(t testing.TB) {
	t.Helper()
	p.send(t, map[string]any{"command": "rotate"}, nil)
}

// Stop ends the provider. It may be called again.
func (p *Provider) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.in != nil {
		p.in.Close()
		p.in = nil
		_ = p.process.Wait()
	}
}

func (p *Provider) send(t testing.TB, command map[string]any, answer any) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	line, err := json.Marshal(command)
	require.NoError(t, err)
	_, err = p.in.Write(append(line, '\n'))
	require.NoError(t, err)
	line, err = p.out.ReadBytes('\n')
	if errors.Is(err, io.EOF) {
		_ = p.process.Wait()
		p.in = nil
		require.Fail(t, "oidc-provider ended", p.log.String())
	}
	require.NoError(t, err)
	if answer != nil {
		require.NoError(t, json.Unmarshal(line, answer))
	}
}

// installed finds the installation and the script that runs it.
func installed(t testing.TB) (installation, script string) {
	t.Helper()
	root, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		require.NotEqual(t, filepath.Dir(root), root, "there is no go.mod above the tests")
		root = filepath.Dir(root)
	}
	folder := filepath.Join(root, "internal", "testkit", "oidctest")
	installation = filepath.Join(root, ".cache", "oidctest")
	wanted, err := os.ReadFile(filepath.Join(folder, "package-lock.json"))
	require.NoError(t, err)
	found, _ := os.ReadFile(filepath.Join(installation, "installed-lock.json"))
	require.True(t, bytes.Equal(wanted, found), "oidc-provider is not installed, or another version is: run make setup-test")
	return installation, filepath.Join(folder, "provider.mjs")
}
