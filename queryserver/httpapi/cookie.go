package httpapi

import (
	"net/http"
	"strings"
	"time"
)

// Cookies makes the cookies of this server: HttpOnly, Secure, SameSite=Lax, for this host
// alone (ASVS 3.3.1 to 3.3.4).
type Cookies struct {
	session  string
	insecure bool
}

// NewCookies takes SessionCookie and InsecureCookies from the settings.
func NewCookies(settings Settings) Cookies {
	c := Cookies{insecure: settings.InsecureCookies}
	c.session = c.name(settings.SessionCookie)
	return c
}

// name drops the prefix that browsers only take with Secure.
func (c Cookies) name(name string) string {
	if c.insecure {
		return strings.TrimPrefix(name, hostPrefix)
	}
	return name
}

// Session carries the value of a session for so long; zero ends it.
func (c Cookies) Session(value string, age time.Duration) http.Cookie {
	return c.make(c.session, value, age)
}

// Named carries another value, under __Host- and the name.
func (c Cookies) Named(name, value string, age time.Duration) http.Cookie {
	return c.make(c.name(hostPrefix+name), value, age)
}

// The cookie by which a browser is known at the next login, and the longest that browsers
// keep one.
const (
	deviceCookie = "telemetryflow-device"
	deviceAge    = 400 * 24 * time.Hour
)

// The cookies of single sign-on. SSOCookie binds a login at a provider to the browser, and
// SSOLinkCookie the link of an e-mail to the browser that asked for it. ReturnCookie says
// where a login leads that asks for a second factor first.
const (
	SSOCookie     = "telemetryflow-sso"
	SSOLinkCookie = "telemetryflow-sso-link"
	ReturnCookie  = "telemetryflow-return"
)

// Device carries the name by which a browser is known.
func (c Cookies) Device(value string) http.Cookie { return c.Named(deviceCookie, value, deviceAge) }

// DeviceOf reads it, or "".
func (c Cookies) DeviceOf(r *http.Request) string { return c.Value(r, deviceCookie) }

// SessionOf reads what Session has set, or "".
func (c Cookies) SessionOf(r *http.Request) string {
	cookie, err := r.Cookie(c.session)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// Value reads what Named has set, or "".
func (c Cookies) Value(r *http.Request, name string) string {
	cookie, err := r.Cookie(c.name(hostPrefix + name))
	if err != nil {
		return ""
	}
	return cookie.Value
}

func (c Cookies) make(name, value string, age time.Duration) http.Cookie {
	cookie := http.Cookie{ //nolint:gosec // without Secure only where the operator says so
		Name: name, Value: value, Path: "/", MaxAge: int(age.Seconds()),
		Secure: !c.insecure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if age <= 0 {
		cookie.Value, cookie.MaxAge = "", -1
	}
	return cookie
}
