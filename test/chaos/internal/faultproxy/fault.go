package faultproxy

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"
)

// Fault does something to an insert, whose number counts from 1, and says whether it
// was anything but passing it on.
type Fault func(w http.ResponseWriter, r *http.Request, forward http.Handler, number int64) (broken bool)

// Pass does nothing.
func Pass(w http.ResponseWriter, r *http.Request, forward http.Handler, _ int64) bool {
	forward.ServeHTTP(w, r)
	return false
}

// DropReply lets the server store, and then hangs up.
func DropReply(w http.ResponseWriter, r *http.Request, forward http.Handler, _ int64) bool {
	forward.ServeHTTP(httptest.NewRecorder(), r)
	hangUp(w)
	return true
}

// DropRequest hangs up before the server hears of it.
func DropRequest(w http.ResponseWriter, _ *http.Request, _ http.Handler, _ int64) bool {
	hangUp(w)
	return true
}

// Hang reads the request and never answers, until the client leaves.
func Hang(_ http.ResponseWriter, r *http.Request, _ http.Handler, _ int64) bool {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
	return true
}

// Slow passes on after a while.
func Slow(by time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, forward http.Handler, _ int64) bool {
		select {
		case <-time.After(by):
		case <-r.Context().Done():
		}
		forward.ServeHTTP(w, r)
		return true
	}
}

// Code answers as ClickHouse does when it throws, and stores nothing.
func Code(code int) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler, _ int64) bool {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("X-ClickHouse-Exception-Code", strconv.Itoa(code))
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, "Code: %d. DB::Exception: injected by a test. (INJECTED) (version 26.1.1.1)\n", code)
		return true
	}
}

// CodeAfter lets the server store, and then answers with a code.
func CodeAfter(code int) Fault {
	answer := Code(code)
	return func(w http.ResponseWriter, r *http.Request, forward http.Handler, number int64) bool {
		forward.ServeHTTP(httptest.NewRecorder(), r)
		return answer(w, r, forward, number)
	}
}

// Every breaks each n-th insert and passes the others on.
func Every(n int64, fault Fault) Fault {
	return func(w http.ResponseWriter, r *http.Request, forward http.Handler, number int64) bool {
		if number%n != 0 {
			return Pass(w, r, forward, number)
		}
		return fault(w, r, forward, number)
	}
}
