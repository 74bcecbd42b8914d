package upstream

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// usualLife is how long a token is good whose service does not say:
	// https://distribution.github.io/distribution/spec/auth/token/#token-response-fields
	usualLife = time.Minute
	// maximumLife bounds how long a token is used again, whatever its service says.
	maximumLife = 10 * time.Minute
	// pingLife is how long an upstream is taken to want the credentials that it wanted last.
	pingLife = time.Minute
	// maximumBody and maximumAnswers bound what is kept; answers are below 10 KiB, and there is one for each repository.
	maximumBody, maximumAnswers = 64 << 10, 10_000
	// maximumAnswer is how much is read: distribution would read all of it.
	maximumAnswer = 1 << 20
)

// answers keeps what distribution asks again with every request of a client, where a node that asked the upstream itself would
// ask once for an image: a token, and, of an upstream that wants none, whether it wants credentials. For the latter all requests
// of a cache wait for each other.
type answers struct {
	mu   sync.Mutex
	kept map[question]answer
}

// question is what is asked, and with which credentials.
type question struct{ url, authorization string }

type answer struct {
	response *http.Response // without its body
	body     []byte         // none of a ping's: nobody reads it
	token    tokenAnswer
	ping     bool
	until    time.Time
}

// tokenAnswer is what a token service says. What is wrong with it distribution will say.
type tokenAnswer struct {
	Token       string    `json:"token"`
	AccessToken string    `json:"access_token"`
	ExpiresIn   float64   `json:"expires_in"` // seconds
	IssuedAt    time.Time `json:"issued_at"`
}

// isRepeated says whether distribution will ask this again.
func isRepeated(request *http.Request) bool { return isPing(request) || isTokenRequest(request) }

// isPing recognises the question which credentials a registry wants.
func isPing(request *http.Request) bool {
	return request.Method == http.MethodGet && strings.HasSuffix(request.URL.Path, "/v2/") && request.Header.Get("Authorization") == ""
}

// isTokenRequest recognises how distribution asks for a token: with GET, for what it wants to do with a repository, and not
// because it was led there.
func isTokenRequest(request *http.Request) bool {
	return request.Method == http.MethodGet && request.Response == nil &&
		strings.HasPrefix(request.URL.Query().Get("scope"), "repository:")
}

// roundTrip answers as last time, or asks.
func (a *answers) roundTrip(request *http.Request, ask func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	asked := question{request.URL.String(), request.Header.Get("Authorization")}
	if known, ok := a.find(asked); ok {
		return known.to(request), nil
	}
	response, err := ask(request)
	if err != nil {
		return nil, err
	}
	got := answer{response: response, ping: isPing(request)}
	if err := got.read(); err != nil {
		return nil, fmt.Errorf("reading the answer of token service %s: %w", request.URL.Host, err)
	}
	if life := got.life(); life > 0 {
		got.until = time.Now().Add(life)
		a.keep(asked, got)
	}
	return got.to(request), nil
}

// read reads the body, but not that of a ping, which may never come: nobody else would wait for it either.
func (a *answer) read() error {
	defer func() { _ = a.response.Body.Close() }()
	if a.ping {
		return nil
	}
	var err error
	if a.body, err = io.ReadAll(io.LimitReader(a.response.Body, maximumAnswer)); err != nil {
		return err
	}
	if err := json.Unmarshal(a.body, &a.token); err != nil {
		a.token = tokenAnswer{}
	}
	return nil
}

func (a *answers) find(asked question) (answer, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known, ok := a.kept[asked]
	return known, ok && time.Now().Before(known.until)
}

func (a *answers) keep(asked question, got answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kept == nil {
		a.kept = map[question]answer{}
	}
	now := time.Now()
	maps.DeleteFunc(a.kept, func(_ question, old answer) bool { return !now.Before(old.until) })
	if len(got.body) <= maximumBody && len(a.kept) < maximumAnswers {
		a.kept[asked] = got
	}
}

// forget drops what a request relied on that the upstream has refused: the token it had, and that the upstream wants none. The
// upstream may have other keys by now.
func (a *answers) forget(refused *http.Request) {
	_, credential, _ := strings.Cut(refused.Header.Get("Authorization"), " ")
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.kept, func(_ question, old answer) bool {
		return old.ping || credential != "" && (old.token.Token == credential || old.token.AccessToken == credential)
	})
}

// to is the answer to another request.
func (a answer) to(request *http.Request) *http.Response {
	response := *a.response
	response.Header = a.response.Header.Clone()
	response.Body = io.NopCloser(bytes.NewReader(a.body))
	response.ContentLength = int64(len(a.body))
	response.Request = request
	return &response
}

// life is how long it is given again. Half of what is left of a token's life, so that distribution never gets one that ends before
// it has been used.
func (a answer) life() time.Duration {
	status := a.response.StatusCode
	switch {
	case a.ping && status < http.StatusInternalServerError && status != http.StatusTooManyRequests:
		return pingLife
	case !a.ping && status == http.StatusOK:
		return a.token.left() / 2
	}
	return 0
}

// left is how long the token is good from now on, 0 if there is none.
func (t tokenAnswer) left() time.Duration {
	if t.Token == "" && t.AccessToken == "" {
		return 0
	}
	life := usualLife
	if t.ExpiresIn > 0 {
		life = time.Duration(min(t.ExpiresIn, maximumLife.Seconds()) * float64(time.Second))
	}
	if !t.IssuedAt.IsZero() {
		life -= max(time.Since(t.IssuedAt), 0) // the service may have had it at hand as well
	}
	return max(life, 0)
}
