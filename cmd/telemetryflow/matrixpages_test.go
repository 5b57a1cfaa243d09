package main

import "net/url"

// publicPageProbes are the pages that look at no credential.
func publicPageProbes() map[string]probe {
	return map[string]probe{
		"GET /page.css":              {},
		"GET /page.js":               {},
		"GET /.well-known/jwks.json": {},
		"GET /openapi.json":          {},
		"GET /openapi.yaml":          {},
		"GET /docs":                  {},
		"GET /docs/style.css":        {},
		"GET /setup/{code}":          {ids: constant("tfu_0")},
		"POST /setup/{code}":         {ids: constant("tfu_0"), body: func(*cell) any { return url.Values{"email": {"eve@example.com"}, "password": {worldPassword}} }},
		"GET /login":                 {},
		"POST /login":                {body: func(c *cell) any { return url.Values{"email": {c.email()}, "password": {worldPassword}} }},
		"POST /login/code":           {body: func(c *cell) any { return challengeForm(c.challenge(false)) }},
		"POST /login/enroll":         {body: func(c *cell) any { return challengeForm(c.challenge(true)) }},
		"GET /login/sso":             {},
		"POST /login/sso":            {body: func(c *cell) any { return url.Values{"organization": {c.world.ours.canary}} }},
		"GET /login/link":            {},
		"POST /login/link":           {body: func(c *cell) any { return url.Values{"code": {c.linkCode()}} }},
		"GET /reset":                 {},
		"POST /reset/link":           {body: func(c *cell) any { return url.Values{"email": {c.email()}} }},
		"POST /reset":                {body: func(c *cell) any { return url.Values{"code": {c.resetCode()}, "password": {nextPassword}} }},
		"GET /invitation":            {},
		"POST /invitation":           {body: func(c *cell) any { return url.Values{"code": {c.invitationCode()}, "password": {nextPassword}} }},
	}
}

func challengeForm(temporary, code string) url.Values {
	return url.Values{"temporary": {temporary}, "code": {code}}
}

// ownPageProbes are the pages of who is logged in.
func ownPageProbes() map[string]probe {
	proof := func(c *cell) any {
		return url.Values{"current": {worldPassword}, "code": {c.enroll(true)}}
	}
	return map[string]probe{
		"GET /{$}":             {},
		"POST /logout":         {once: true},
		"GET /account":         {},
		"POST /account/tenant": {once: true, body: func(c *cell) any { return url.Values{"tenant": ids(c.estate().lab.Tenant)} }},
		"POST /account/password": {once: true, body: func(*cell) any {
			return url.Values{"current": {worldPassword}, "password": {nextPassword}}
		}},
		"POST /account/mfa":                 {once: true, body: func(*cell) any { return url.Values{"current": {worldPassword}} }},
		"POST /account/mfa/confirm":         {once: true, body: func(c *cell) any { return url.Values{"code": {c.enroll(false)}} }},
		"POST /account/mfa/remove":          {once: true, body: proof},
		"POST /account/recovery-codes":      {once: true, body: proof},
		"POST /account/sessions/end":        {once: true, body: func(c *cell) any { return url.Values{"session": {c.session()}} }},
		"POST /account/sessions/end-others": {once: true},
	}
}
