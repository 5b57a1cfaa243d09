// Package smtptest gives tests a mail server that delivers nothing and keeps everything:
//
//	sink := smtptest.Start(t)                     // STARTTLS, on sink.Host, sink.Port, trusted by sink.CAFile
//	letter := sink.Await(t, "ada@example.com")    // the next one to her
//	http.Get(letter.Link(t))
//
// It listens on a free port of the loopback interface, and can ask for a login, refuse
// recipients and letters, and hang.
package smtptest
