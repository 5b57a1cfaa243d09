package smtptest

import (
	"fmt"
	"net/smtp"
	"testing"

	"github.com/stretchr/testify/require"
)

// deliver sends by another client than the one the sink is for.
func deliver(sink *Sink, to, body string) error {
	return smtp.SendMail(fmt.Sprintf("%s:%d", sink.Host, sink.Port), nil, "from@example.com", []string{to}, []byte(body))
}

func TestSink_Await(t *testing.T) {
	t.Parallel()
	sink := Start(t, NoTLS())
	const head = "Subject: =?utf-8?q?=C3=A4?= b\r\nContent-Type: text/plain; charset=utf-8\r\n"
	require.NoError(t, deliver(sink, "Ada@example.com", head+"\r\nfirst http://example.com/?a=1 and\r\nmore\r\n"))
	require.NoError(t, deliver(sink, "grace@example.com", head+"Content-Transfer-Encoding: base64\r\n\r\nw6Q=\r\n"))
	require.NoError(t, deliver(sink, "ada@example.com", head+"Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4\r\n"))

	first := sink.Await(t, "ada@example.com")
	require.Equal(t, "ä b", first.Subject)
	require.Equal(t, "http://example.com/?a=1", first.Link(t))
	require.Equal(t, "first http://example.com/?a=1 and\nmore\n", first.Text)
	require.False(t, first.TLS)
	require.Equal(t, "ä\n", sink.Await(t, "ada@example.com").Text)
	require.Equal(t, "ä", sink.Await(t, "grace@example.com").Text)
	require.Len(t, sink.Messages("ada@example.com"), 2)
}

func TestSink_Trouble(t *testing.T) {
	t.Parallel()
	sink := Start(t, NoTLS())
	sink.Refuse("ada@example.com", 450)
	require.ErrorContains(t, deliver(sink, "ada@example.com", "Content-Type: text/plain\r\n\r\n"), "450")
	require.ErrorContains(t, deliver(sink, "grace@example.com", "no message"), "554")
	sink.RefuseLetters(451)
	require.ErrorContains(t, deliver(sink, "grace@example.com", "Content-Type: text/plain\r\n\r\n"), "451")
	require.Empty(t, sink.Messages("grace@example.com"))

	trusted := Start(t)
	require.ErrorContains(t, deliver(trusted, "ada@example.com", "x"), "certificate", "STARTTLS is offered")
	login := Start(t, NoTLS(), Login("u", "p"))
	require.ErrorContains(t, deliver(login, "ada@example.com", "x"), "530")
}

func TestSink_Hang(t *testing.T) {
	t.Parallel()
	for _, stage := range []Stage{Greeting, Recipient, Letter} {
		sink := Start(t, NoTLS())
		sink.Hang(stage)
		result := make(chan error, 1)
		go func() { result <- deliver(sink, "ada@example.com", "Content-Type: text/plain\r\n\r\nhello\r\n") }()
		sink.AwaitHanging(t, stage, 1)
		require.Empty(t, sink.Messages("ada@example.com"))
		require.Empty(t, result)
		sink.Release(stage)
		require.NoError(t, <-result)
		require.Equal(t, "hello\n", sink.Await(t, "ada@example.com").Text)
		require.Equal(t, 1, sink.Peak())
	}
}
