//go:build linux

package queryserver

import (
	"context"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// chromium is a real browser, with a profile of its own.
type chromium struct {
	ctx context.Context //nolint:containedctx // chromedp keeps the browser there

	mu       sync.Mutex
	complain []string // what the browser has refused
}

// chromiumTime bounds all that a test does in a browser, on a busy machine.
const chromiumTime = 2 * time.Minute

func startChromium(t *testing.T) *chromium {
	t.Helper()
	program, err := exec.LookPath("chromium-headless-shell")
	require.NoError(t, err, "run make setup-test")
	ctx, cancel := context.WithTimeout(t.Context(), chromiumTime)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, // it needs rights that containers lack
		chromedp.IgnoreCertErrors, // the server's certificate is its own
		chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(chromiumTime))...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	c := &chromium{ctx: ctx}
	require.NoError(t, chromedp.Listen(ctx, c.hear))
	_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	require.NoError(t, err)
	return c
}

// hear keeps what breaks the policy of a page.
func (c *chromium) hear(event any) {
	if entry, is := event.(*log.EventEntryAdded); is && entry.Entry.Source == log.EntrySourceSecurity {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.complain = append(c.complain, entry.Entry.Text)
	}
}

func (c *chromium) complaints() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.complain
}

func (c *chromium) do(t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	require.NoError(t, chromedp.Do(c.ctx, actions...))
}

// address is what stands in the address bar.
func (c *chromium) address(t *testing.T) string {
	t.Helper()
	address, err := chromedp.Run(c.ctx, chromedp.Location())
	require.NoError(t, err)
	return address
}

// text is that of an element, once it can be seen.
func (c *chromium) text(t *testing.T, selector string) string {
	t.Helper()
	text, err := chromedp.Run(c.ctx, chromedp.Text(chromedp.CSS(selector), chromedp.NodeVisible))
	require.NoError(t, err)
	return text
}

// fill types into the fields of a form, by their names, and sends it by Enter.
func (c *chromium) fill(t *testing.T, form string, fields ...string) {
	t.Helper()
	var last string
	for i := 0; i < len(fields); i += 2 {
		last = form + " input[name=" + fields[i] + "]"
		c.do(t, chromedp.SendKeys(chromedp.CSS(last), fields[i+1], chromedp.NodeVisible))
	}
	c.leave(t, chromedp.SendKeys(chromedp.CSS(last), "\r"))
}

// click follows a link or presses a button.
func (c *chromium) click(t *testing.T, selector string) {
	t.Helper()
	c.leave(t, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// leave does what leads to another page.
func (c *chromium) leave(t *testing.T, action chromedp.Action[chromedp.Void]) {
	t.Helper()
	response, err := chromedp.RunResponse(c.ctx, action)
	require.NoError(t, err)
	t.Logf("%s: %d", response.URL, response.Status)
}

// ASVS 3.3.1 to 3.3.4: the cookies as a browser has taken them.
func (c *chromium) requireCookies(t *testing.T) {
	t.Helper()
	got, err := chromedp.Call(c.ctx, network.GetCookies, network.GetCookiesParams{})
	require.NoError(t, err)
	require.Len(t, got.Cookies, 2)
	for _, cookie := range got.Cookies {
		require.Contains(t, cookie.Name, "__Host-telemetryflow-")
		require.True(t, cookie.Secure && cookie.HTTPOnly, cookie.Name)
		require.Equal(t, network.CookieSameSiteLax, cookie.SameSite)
	}
}
