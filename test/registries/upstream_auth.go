package registries

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Auth is a way to authenticate at an upstream.
type Auth int

const (
	// AuthNone lets everybody in.
	AuthNone Auth = iota
	// AuthBasic demands username and password with each request.
	AuthBasic
	// AuthBearer demands a token, which the token service gives for username and password. The service is at the
	// registry's own host and port, because distribution 3.1 and later sends no credentials to another loopback port.
	// Without username and password everybody gets a token, as for the public images of Docker Hub.
	AuthBearer
)

const tokenPath = "/token"

// repositoryPath finds the repository in the path of a request.
var repositoryPath = regexp.MustCompile(`^/v2/(.+)/(?:manifests|blobs|tags|referrers)/`)

// tokens holds the issued tokens and what each is good for.
type tokens struct {
	mu     sync.Mutex
	scopes map[string][]string
}

func (t *tokens) issue(scopes []string) string {
	token := rand.Text()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.scopes == nil {
		t.scopes = map[string][]string{}
	}
	t.scopes[token] = scopes
	return token
}

// allow says whether the token is good for the scope, where "" is none in particular.
func (t *tokens) allow(token, scope string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	scopes, known := t.scopes[token]
	if scope == "" {
		return known
	}
	for _, s := range scopes {
		if s == scope {
			return true
		}
	}
	return false
}

// authenticate lets those requests through that the upstream's options allow.
func (u *Upstream) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case u.options.Auth == AuthBearer && r.URL.Path == tokenPath:
			u.serveToken(w, r)
		case u.options.Auth == AuthBearer && !u.tokens.allow(bearer(r), scopeOf(r)):
			refuse(w, u.bearerChallenge(scopeOf(r)))
		case u.options.Auth == AuthBasic && !u.knows(r):
			refuse(w, `Basic realm="upstream"`)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// serveToken gives a token for all scopes asked for, to the one user there is, and to those without credentials one for what is
// public. Wrong credentials are refused for everything, as Docker Hub does.
func (u *Upstream) serveToken(w http.ResponseWriter, r *http.Request) {
	scopes := r.URL.Query()["scope"]
	switch {
	case u.knows(r):
	case u.options.Public != nil && r.Header.Get("Authorization") == "":
		scopes = slices.DeleteFunc(scopes, func(scope string) bool { return !u.isPublic(scope) })
	default:
		refuse(w, `Basic realm="token service"`)
		return
	}
	token := u.tokens.issue(scopes)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"token": token, "expires_in": 300}) // the client notices
}

// isPublic tells whether everybody may read what a scope, "repository:NAME:pull", is about.
func (u *Upstream) isPublic(scope string) bool {
	repository, isRepository := strings.CutPrefix(scope, "repository:")
	return isRepository && u.options.Public(strings.TrimSuffix(repository, ":pull"))
}

// knows compares what is on the wire, "username:password" as one, so that a colon in a username does no harm here.
func (u *Upstream) knows(r *http.Request) bool {
	if u.options.Username == "" && u.options.Password == "" {
		return true
	}
	scheme, encoded, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	got, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !strings.EqualFold(scheme, "basic") {
		return false
	}
	return subtle.ConstantTimeCompare(got, []byte(u.options.Username+":"+u.options.Password)) == 1
}

func (u *Upstream) bearerChallenge(scope string) string {
	at := u.options.URL
	if at == "" {
		at = u.URL()
	}
	challenge := fmt.Sprintf(`Bearer realm="%s%s",service="%s"`, at, tokenPath, u.Host())
	if scope != "" {
		challenge += fmt.Sprintf(`,scope="%s"`, scope)
	}
	return challenge
}

func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return token
}

func scopeOf(r *http.Request) string {
	match := repositoryPath.FindStringSubmatch(r.URL.Path)
	if match == nil {
		return ""
	}
	return "repository:" + match[1] + ":pull"
}

func refuse(w http.ResponseWriter, challenge string) {
	w.Header().Set("WWW-Authenticate", challenge)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write([]byte(`{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`))
}
