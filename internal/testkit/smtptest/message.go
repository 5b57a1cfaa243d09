package smtptest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Message is a letter as it arrived.
type Message struct {
	From     string   // of the envelope
	To       []string // of the envelope
	Username string   // of the login, if there was one
	TLS      bool     // whether it came through TLS
	Raw      []byte

	Header  mail.Header
	Subject string // decoded
	Text    string // decoded
	HTML    string // decoded
}

var linkPattern = regexp.MustCompile(`https?://[^\s<>"]+`)

// Link is the first link in the text.
func (m Message) Link(t testing.TB) string {
	t.Helper()
	link := linkPattern.FindString(m.Text)
	require.NotEmpty(t, link, "a link in:\n%s", m.Text)
	return link
}

// parse reads a text, an HTML page, or both in multiparts.
func parse(raw []byte) (Message, error) {
	read, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Message{}, fmt.Errorf("read the message: %w", err)
	}
	message := Message{Raw: raw, Header: read.Header}
	message.Subject, err = new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject"))
	if err != nil {
		return Message{}, fmt.Errorf("read the subject: %w", err)
	}
	if err := message.add(read.Header, read.Body); err != nil {
		return Message{}, err
	}
	return message, nil
}

// add reads one part, with the parts in it.
func (m *Message) add(header interface{ Get(string) string }, body io.Reader) error {
	kind, parameters, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("read the content type: %w", err)
	}
	if strings.HasPrefix(kind, "multipart/") {
		parts := multipart.NewReader(body, parameters["boundary"])
		for {
			part, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("read a part: %w", err)
			}
			if err := m.add(part.Header, part); err != nil {
				return err
			}
		}
	}
	switch strings.ToLower(header.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	content, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("decode a part: %w", err)
	}
	text := strings.ReplaceAll(string(content), "\r\n", "\n")
	switch kind {
	case "text/plain":
		m.Text = text
	case "text/html":
		m.HTML = text
	}
	return nil
}
