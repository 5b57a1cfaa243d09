package sso

import "net/http"

// transport turns failures that are answered into errors, so that no library repeats
// what the provider wrote in them. The refusals of a token endpoint pass, for their
// codes matter.
type transport struct{ next http.RoundTripper }

func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	failure := &statusError{host: request.URL.Host, status: response.StatusCode}
	success := response.StatusCode == http.StatusOK
	if success || request.Method == http.MethodPost && !failure.temporary() {
		return response, nil
	}
	response.Body.Close()
	return nil, failure
}
