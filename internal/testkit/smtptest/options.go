package smtptest

// options are what a test may choose.
type options struct {
	tls                tlsMode
	names              []string
	username, password string
	utf8               bool
}

type tlsMode int

const (
	startTLS tlsMode = iota
	implicitTLS
	noTLS
)

// Option changes the server from one that offers STARTTLS and asks for no login.
type Option func(*options)

// ImplicitTLS makes a server that speaks TLS from the first byte.
func ImplicitTLS() Option { return func(o *options) { o.tls = implicitTLS } }

// NoTLS makes a server that speaks none. With Login it takes passwords in plain text.
func NoTLS() Option { return func(o *options) { o.tls = noTLS } }

// Names are those in the certificate, instead of the names of the loopback interface.
func Names(names ...string) Option { return func(o *options) { o.names = names } }

// Login makes a server that takes nothing before AUTH PLAIN.
func Login(username, password string) Option {
	return func(o *options) { o.username, o.password = username, password }
}

// International makes a server that knows SMTPUTF8 (RFC 6531).
func International() Option { return func(o *options) { o.utf8 = true } }
