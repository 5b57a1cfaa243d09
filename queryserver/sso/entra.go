package sso

import "strings"

// Entra's issuers are https://host/{directory}/v2.0, where organizations and common
// stand for many directories: their discovery document names the issuer as a template
// (Microsoft identity platform, "OpenID Connect on the Microsoft identity platform").

const (
	directoryMark = "{tenantid}"
	entraVersion  = "/v2.0"
)

// directory is what stands in an issuer for the directory; empty when there is none.
func directory(issuer string) string {
	rest, versioned := strings.CutSuffix(issuer, entraVersion)
	parsed, valid := httpsURL(issuer)
	if !versioned || !valid || strings.Count(parsed.Path, "/") != 2 {
		return ""
	}
	return rest[strings.LastIndexByte(rest, '/')+1:]
}

// manyDirectories says whether an issuer stands for more than one directory.
func manyDirectories(issuer string) bool {
	named := directory(issuer)
	return named == "organizations" || named == "common"
}

// issuerTemplate is the issuer that the document of many directories names.
func issuerTemplate(issuer string) string {
	return strings.TrimSuffix(issuer, directory(issuer)+entraVersion) + directoryMark + entraVersion
}

func isTemplate(issuer string) bool { return strings.Contains(issuer, directoryMark) }

func fillTemplate(template, id string) string { return strings.Replace(template, directoryMark, id, 1) }

// fromTemplate says whether an issuer is that of some directory.
func fromTemplate(template, issuer string) bool {
	id := directory(issuer)
	return isTemplate(template) && guidPattern.MatchString(id) && issuer == fillTemplate(template, id)
}
