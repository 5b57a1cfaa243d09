package tenantotlpreceiver

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"
)

// The paths at which clients ask what became of their requests.
const (
	jobsPath   = apiPrefix + "jobs/" // and an id
	ledgerPath = apiPrefix + "ledger"
)

// question answers a GET; rest is what the path says after the question's own.
type question func(ctx context.Context, rest string) (answer any, refused *refusal)

// questionOf finds the question of a path.
func (h *httpHandler) questionOf(path string) (ask question, rest string) {
	if rest, found := strings.CutPrefix(path, jobsPath); found && rest != "" {
		return h.questions[jobsPath], rest
	}
	return h.questions[path], ""
}

// serveQuestion answers what is no export, and is false for unknown paths.
func (h *httpHandler) serveQuestion(w http.ResponseWriter, req *http.Request, start time.Time) bool {
	ask, rest := h.questionOf(req.URL.Path)
	if ask == nil || req.URL.Path == jobsPath {
		return false
	}
	req.Pattern = strings.TrimSuffix(req.URL.Path, rest) // names the span of the HTTP server
	body, refused := h.answerQuestion(w, req, ask, rest)
	h.telemetry.answered(req.Context(), h.name, nil, start, refused)
	if refused != nil {
		writeRefusal(w, encodingJSON, refused)
		return true
	}
	write(w, encodingJSON, http.StatusOK, body)
	return true
}

func (h *httpHandler) answerQuestion(w http.ResponseWriter, req *http.Request, ask question, rest string) (body []byte, refused *refusal) {
	defer h.recovered(&refused)
	h.readBy(w, time.Now().Add(h.readTimeout))
	w.Header().Set("Cache-Control", "no-store")
	if req.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		return nil, wrongMethod(http.MethodGet)
	}
	ctx, limit, refused := h.authenticate(req.Context(), req.Header)
	if limit.Limit > 0 {
		setLimitHeaders(w.Header(), limit)
	}
	if refused != nil {
		return nil, refused
	}
	answer, refused := ask(ctx, rest)
	if refused != nil {
		return nil, refused
	}
	body, err := json.Marshal(answer)
	if err != nil {
		h.settings.Logger.Error("An answer cannot be encoded", zap.Error(err))
		return nil, internal()
	}
	return body, nil
}
