package validation

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ValidateUpstream returns the faults of an upstream registry, "host" or "host:port" as image names begin. The host is a
// DNS name in lower case or an IPv4 address (whose digits are a DNS name too); IPv6 is refused.
func ValidateUpstream(path *field.Path, upstream string) field.ErrorList {
	var faults field.ErrorList
	for _, message := range validateHostPort(upstream) {
		faults = append(faults, field.Invalid(path, upstream, message))
	}
	return faults
}

// ValidateURL returns the faults of the URL of a registry or proxy, "scheme://host[:port]" with scheme http or https. A
// lone "/" may end it; allowPath admits any path without dot segments. A password in the URL is not shown.
func ValidateURL(path *field.Path, rawURL string, allowPath bool) field.ErrorList {
	shown := maskUserInfo(rawURL)
	parsed, err := url.Parse(rawURL)
	if err != nil {
		return field.ErrorList{field.Invalid(path, shown, "failed to parse url: "+parseCause(err, rawURL, shown))}
	}
	if parsed.Scheme != "http" && parsed.Scheme != "https" {
		return field.ErrorList{field.Invalid(path, shown, "url must start with 'http://' or 'https://' scheme")}
	}
	var faults field.ErrorList
	for _, message := range validateParsedURL(parsed, rawURL, allowPath) {
		faults = append(faults, field.Invalid(path, shown, message))
	}
	return faults
}

// maskUserInfo hides what stands before the last "@", user name or token and password.
func maskUserInfo(rawURL string) string {
	end := strings.LastIndex(rawURL, "@")
	if end < 0 {
		return rawURL
	}
	start := 0
	if i := strings.Index(rawURL, "://"); i >= 0 && i < end {
		start = i + len("://")
	}
	return rawURL[:start] + "xxxxx" + rawURL[end:]
}

// parseCause returns why a URL does not parse, unless that would show what was masked.
func parseCause(err error, rawURL, shown string) string {
	if rawURL != shown {
		return "what stands before the @ is not shown"
	}
	return err.Error()
}

func validateParsedURL(parsed *url.URL, rawURL string, allowPath bool) []string {
	messages := validateHostPort(parsed.Host)
	switch {
	case allowPath:
		messages = append(messages, validateURLPath(parsed.Path, rawURL)...)
	case parsed.Path != "" && parsed.Path != "/":
		messages = append(messages, "url must not contain a path")
	}
	if parsed.User != nil {
		messages = append(messages, "url must not contain user info")
	}
	// Also an empty query or fragment ("https://host?") would end up in front of the API's path.
	if parsed.RawQuery != "" || parsed.ForceQuery {
		messages = append(messages, "url must not contain query parameters")
	}
	if strings.Contains(rawURL, "#") {
		messages = append(messages, "url must not contain a fragment")
	}
	return messages
}

// urlCharacters are those that RFC 3986 has in a URL.
const urlCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#[]@!$&'()*+,;=%"

// validateURLPath refuses segments of dots, which lead out of the path, in the decoded path, where percent-encoding cannot
// hide them. Beyond the existing extension it refuses quotes, blanks and other characters that have no place in a URL
// and would break containerd's hosts.toml.
func validateURLPath(decoded, rawURL string) []string {
	var messages []string
	segments := strings.Split(decoded, "/")
	for _, dots := range []string{"..", "."} {
		if slices.Contains(segments, dots) {
			messages = append(messages, fmt.Sprintf("url path must not contain '%s'", dots))
		}
	}
	if !consistsOf(rawURL, urlCharacters) {
		messages = append(messages, "url must have its special characters percent-encoded")
	}
	return messages
}

// validateHostPort returns the faults of "host[:port]". What follows the last colon counts as a port only if it is all
// digits; anything else makes the host invalid.
func validateHostPort(hostPort string) []string {
	colon := strings.LastIndexByte(hostPort, ':')
	if colon < 0 || !isDigits(hostPort[colon+1:]) {
		return validation.IsDNS1123Subdomain(hostPort)
	}
	host, port := hostPort[:colon], hostPort[colon+1:]
	var messages []string
	if !isPort(port) {
		messages = append(messages, fmt.Sprintf("port '%s' is not valid, valid port must be in the range [1, 65535]", port))
	}
	return append(messages, validation.IsDNS1123Subdomain(host)...)
}

func isDigits(text string) bool {
	return text != "" && consistsOf(text, "0123456789")
}

func consistsOf(text, characters string) bool {
	return strings.Trim(text, characters) == ""
}

// isPort says whether the digits are a port as it is usually written: leading zeros are refused, and with them 0.
func isPort(digits string) bool {
	_, err := strconv.ParseUint(digits, 10, 16)
	return err == nil && digits[0] != '0'
}
