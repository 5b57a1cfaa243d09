//go:build linux

package queryserver

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"
)

// The pages in a real browser: the first user, a second factor, a new password by mail,
// with the cookies, the script and the policies as a browser takes them.
func TestBrowser(t *testing.T) {
	t.Parallel()
	s := launch(t)
	c := startChromium(t)
	c.do(t, chromedp.Navigate(s.setupLink(t)))
	c.fill(t, "form", "organization", "Acme", "email", email, "name", "Ada", "password", secret)
	require.Contains(t, c.text(t, "body"), "logged in as Ada")
	require.Equal(t, s.url+"/", c.address(t))
	c.requireCookies(t)

	seed, recovery := c.setUpFactor(t)
	c.click(t, "a[href='/account']")
	require.Contains(t, c.text(t, "body"), "Remove the second factor")
	c.click(t, "form[action='/logout'] button")
	require.Equal(t, s.url+"/login", c.address(t))

	c.fill(t, "form", "email", email, "password", secret)
	require.Contains(t, c.text(t, "label"), "authenticator app")
	c.fill(t, "form", "code", "000000")
	require.Contains(t, c.text(t, "[role=alert]"), "wrong")
	c.fill(t, "form", "code", recovery)
	require.Contains(t, c.text(t, "body"), "logged in as Ada")
	c.click(t, "form[action='/logout'] button")

	c.click(t, "a[href='/reset']")
	c.fill(t, "form[action='/reset/link']", "email", email)
	require.Contains(t, c.text(t, "[role=status]"), "on its way")
	c.do(t, chromedp.Navigate(s.url+"/reset#"+s.code(t, email, "/reset#")),
		chromedp.WaitVisible(chromedp.CSS("input[name=password]")),
		chromedp.WaitNotVisible(chromedp.CSS("input[name=email]")), chromedp.WaitNotVisible(chromedp.CSS("input[name=code]")))
	require.Equal(t, s.url+"/reset", c.address(t), "the code is not in the address bar")
	c.fill(t, "form[action='/reset']", "password", secret+" at last")
	require.Equal(t, s.url+"/login", c.address(t))

	c.fill(t, "form", "email", email, "password", secret+" at last")
	next, err := totp.GenerateCode(seed, time.Now().Add(30*time.Second)) // that of this half minute may be used
	require.NoError(t, err)
	c.fill(t, "form", "code", next)
	require.Contains(t, c.text(t, "body"), "logged in as Ada")
	require.Empty(t, c.complaints())
}

// setUpFactor goes from the first page to a second factor that counts.
func (c *chromium) setUpFactor(t *testing.T) (seed, recovery string) {
	t.Helper()
	c.click(t, "a[href='/account']")
	c.fill(t, "form[action='/account/mfa']", "current", secret)
	width, err := chromedp.Run(c.ctx, chromedp.Evaluate[int]("document.querySelector('img').naturalWidth"))
	require.NoError(t, err)
	require.Equal(t, 256, width, "the QR code is shown")
	seed = c.text(t, "code")
	c.fill(t, "form", "code", totpOf(t, seed))
	return seed, c.text(t, "li code")
}
