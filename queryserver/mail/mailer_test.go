package mail

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/internal/testkit/smtptest"
	"github.com/telemetryflow/telemetryflow/queryserver"
)

func TestSend_Message(t *testing.T) {
	t.Parallel()
	sink := smtptest.Start(t)
	mailer := newMailer(t, settingsFor(sink))
	require.NoError(t, mailer.Send(t.Context(), ada, reset))
	require.NoError(t, mailer.Send(t.Context(), ada, reset))
	arrived, second := sink.Await(t, ada), sink.Await(t, ada)

	require.Equal(t, `"TelemetryFlow" <telemetryflow@telemetry.example.com>`, arrived.Header.Get("From"))
	require.Equal(t, "<"+ada+">", arrived.Header.Get("To"))
	require.Equal(t, "Sun, 01 Mar 2026 11:00:00 +0000", arrived.Header.Get("Date"))
	require.Equal(t, "auto-generated", arrived.Header.Get("Auto-Submitted"))
	require.Equal(t, "1.0", arrived.Header.Get("Mime-Version"))
	require.True(t, strings.HasPrefix(arrived.Header.Get("Content-Type"), "multipart/alternative;"))
	require.Less(t, strings.Index(string(arrived.Raw), "text/plain"), strings.Index(string(arrived.Raw), "text/html"), "the best comes last")
	require.Regexp(t, `^<[A-Z2-7]{26}@telemetry\.example\.com>$`, arrived.Header.Get("Message-Id"))
	require.NotEqual(t, arrived.Header.Get("Message-Id"), second.Header.Get("Message-Id"))
	for _, sent := range strings.Split(string(arrived.Raw), "\r\n") {
		require.LessOrEqual(t, len(sent), 78, "RFC 5322 2.1.1: %s", sent)
	}
	require.Contains(t, sink.Transcript(), "EHLO telemetry.example.com\r\n")
}

func TestSend_InternationalAddresses(t *testing.T) {
	t.Parallel()
	const to = "áda@example.com"
	old, young := smtptest.Start(t), smtptest.Start(t, smtptest.International())
	requireCode(t, queryserver.Invalid, newMailer(t, settingsFor(old)).Send(t.Context(), to, reset))
	require.NotContains(t, old.Transcript(), "MAIL FROM")

	mailer := newMailer(t, settingsFor(young))
	require.NoError(t, mailer.Send(t.Context(), ada, reset))
	require.NotContains(t, young.Transcript(), " SMTPUTF8", "letters that any server can pass on are")
	require.NoError(t, mailer.Send(t.Context(), to, reset))
	require.Contains(t, young.Transcript(), " SMTPUTF8")
	require.Equal(t, reset.Link, young.Await(t, to).Link(t))
}

func TestSend_Refusals(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]queryserver.Code{
		421: queryserver.Unavailable, 450: queryserver.Unavailable, 452: queryserver.Unavailable,
		550: queryserver.Invalid, 553: queryserver.Invalid,
	} {
		sink := smtptest.Start(t)
		sink.Refuse(ada, code)
		mailer := newMailer(t, settingsFor(sink))
		err := requireCode(t, want, mailer.Send(t.Context(), ada, reset))
		require.ErrorContains(t, err.Cause, strconv.Itoa(code))
		require.Equal(t, want == queryserver.Unavailable, err.RetryAfter > 0)
		require.NoError(t, mailer.Send(t.Context(), "grace@example.com", reset))
		require.Len(t, sink.Messages("grace@example.com"), 1)
	}
	for code, want := range map[int]queryserver.Code{451: queryserver.Unavailable, 554: queryserver.Internal} {
		sink := smtptest.Start(t)
		sink.RefuseLetters(code)
		requireCode(t, want, newMailer(t, settingsFor(sink)).Send(t.Context(), ada, reset))
	}
}

func TestSend_ServerDown(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	settings := DefaultSettings()
	settings.Host, settings.From, settings.Port = "127.0.0.1", "a@example.com", listener.Addr().(*net.TCPAddr).Port
	require.NoError(t, listener.Close())
	failure := requireCode(t, queryserver.Unavailable, newMailer(t, settings).Send(t.Context(), ada, reset))
	require.Equal(t, retryAfter, failure.RetryAfter)
	require.NotContains(t, failure.Message, "127.0.0.1")
}

// A server that hangs costs the timeout, or less when the caller loses patience, and its
// place is free afterwards.
func TestSend_HangingServer(t *testing.T) {
	t.Parallel()
	for _, stage := range []smtptest.Stage{smtptest.Greeting, smtptest.Recipient, smtptest.Letter} {
		t.Run(string(stage)+" timeout", func(t *testing.T) {
			t.Parallel()
			sink := smtptest.Start(t)
			sink.Hang(stage)
			settings := settingsFor(sink)
			settings.Timeout, settings.MaxConnections = time.Second, 1
			mailer := newMailer(t, settings)
			begin := time.Now()
			err := requireCode(t, queryserver.Unavailable, mailer.Send(t.Context(), ada, reset))
			require.Positive(t, err.RetryAfter)
			require.GreaterOrEqual(t, time.Since(begin), settings.Timeout)
			require.Less(t, time.Since(begin), 15*time.Second)
			sink.Release(stage)
			require.Empty(t, mailer.slots, "its place is free again")
		})
		t.Run(string(stage)+" cancelled", func(t *testing.T) {
			t.Parallel()
			sink := smtptest.Start(t)
			sink.Hang(stage)
			mailer := newMailer(t, settingsFor(sink))
			ctx, cancel := context.WithCancel(t.Context())
			result := make(chan error, 1)
			go func() { result <- mailer.Send(ctx, ada, reset) }()
			sink.AwaitHanging(t, stage, 1)
			cancel()
			begin := time.Now()
			err := <-result
			require.Less(t, time.Since(begin), 15*time.Second, "long before the timeout")
			requireCode(t, queryserver.Unavailable, err)
			require.ErrorIs(t, err, context.Canceled)
		})
	}
}

// What follows the server's word that it has the letter does not matter any more: a
// caller that heard of it would send the letter twice.
func TestSend_HangingFarewell(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	done := make(chan struct{})
	defer close(done)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Write([]byte("220 hi\r\n250 hi\r\n250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n"))
		<-done
	}()
	settings := DefaultSettings()
	settings.Host, settings.From, settings.Port = "127.0.0.1", "a@example.com", listener.Addr().(*net.TCPAddr).Port
	settings.TLS = NoTLS
	begin := time.Now()
	require.NoError(t, newMailer(t, settings).Send(t.Context(), ada, reset))
	require.Less(t, time.Since(begin), settings.Timeout/2)
}

// No more letters are under way than the settings allow; the others wait, and those that
// cannot wait are told.
func TestSend_ParallelIsBounded(t *testing.T) {
	t.Parallel()
	const bound, all = 3, 20
	sink := smtptest.Start(t)
	sink.Hang(smtptest.Letter)
	settings := settingsFor(sink)
	settings.MaxConnections = bound
	mailer := newMailer(t, settings)

	var sent sync.WaitGroup
	results := make(chan error, all)
	for i := range all {
		sent.Go(func() { results <- mailer.Send(t.Context(), fmt.Sprintf("ada%d@example.com", i), reset) })
	}
	sink.AwaitHanging(t, smtptest.Letter, bound)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := mailer.Send(ctx, "impatient@example.com", reset)
	requireCode(t, queryserver.Unavailable, err)
	require.ErrorContains(t, err, "mail::max_connections")
	require.Equal(t, bound, sink.Peak())

	sink.Release(smtptest.Letter)
	sent.Wait()
	close(results)
	for err := range results {
		require.NoError(t, err)
	}
	for i := range all {
		require.Len(t, sink.Messages(fmt.Sprintf("ada%d@example.com", i)), 1)
	}
	require.Empty(t, sink.Messages("impatient@example.com"))
}
