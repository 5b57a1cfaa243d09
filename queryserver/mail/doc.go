// Package mail sends the letters of the query server through a mail server, by SMTP:
//
//	mailer, err := mail.New(settings, log)
//	err = mailer.Send(ctx, "ada@example.com", queryserver.ResetLetter{Link: link, Expires: until, Client: client})
//
// Send returns when the mail server has taken the letter; who must not wait for that
// queues it. Without a mail server in the settings the mailer is Disabled, and says so.
//
// What others chose (names, user agents) is untrusted: it becomes one short line without
// control characters before any template or header sees it, and HTML is escaped.
package mail
