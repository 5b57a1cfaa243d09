package sso

import (
	"context"
	"errors"
	"maps"
	"strings"

	"golang.org/x/oauth2"
)

// identify reads the identity out of a proved ID token, and the rest of the profile
// from userinfo when the token lacks it.
func identify(ctx context.Context, provider *Provider, found *metadata, token *idToken, access *oauth2.Token) (Identity, error) {
	identity := Identity{
		Provider: provider.ID, Issuer: found.issuer, Subject: token.Subject,
		AMR: token.claims.list("amr"), ACR: token.claims.text("acr"),
	}
	if at, told := token.claims.instant("auth_time"); told {
		identity.AuthTime = at
	}
	if provider.Kind == Entra {
		// sub differs from application to application, oid is the user's (checked before).
		identity.Issuer, identity.Subject = token.Issuer, token.claims.text("oid")
	}
	profile := token.claims
	if incomplete(profile) && found.userInfo && provider.Kind != Entra {
		told, err := userInfo(ctx, found, token.Subject, access)
		if err != nil {
			return Identity{}, err
		}
		profile = merge(profile, told)
	}
	identity.setEmail(profile.text("email"), emailVerified(provider.Kind, profile))
	identity.setProfile(profile.text("name"), profile.text("picture"))
	return identity, nil
}

func incomplete(profile claims) bool {
	return profile.text("email") == "" || profile.text("name") == ""
}

// userInfo asks for the profile. It must be the profile of the same user (OpenID
// Connect Core section 5.3.2).
func userInfo(ctx context.Context, found *metadata, subject string, access *oauth2.Token) (claims, error) {
	told, err := found.provider.UserInfo(ctx, oauth2.StaticTokenSource(access))
	if err != nil {
		return nil, callFailed(err)
	}
	if told.Subject != subject {
		return nil, refused(errors.New("userinfo tells of another user than the ID token"))
	}
	var profile claims
	if err := told.Claims(&profile); err != nil {
		return nil, refused(err)
	}
	return profile, nil
}

// merge completes the profile of an ID token. An address and its verification come
// from the same place.
func merge(token, told claims) claims {
	merged := maps.Clone(told)
	for _, name := range []string{"name", "picture", "hd"} {
		if token[name] != nil {
			merged[name] = token[name]
		}
	}
	if token.text("email") != "" {
		merged["email"], merged["email_verified"] = token["email"], token["email_verified"]
	}
	return merged
}

// emailVerified says whether the provider vouches for the address now.
func emailVerified(kind Kind, profile claims) bool {
	switch kind {
	case Entra:
		// The address is whatever an administrator of the directory typed, unless this
		// optional claim says that he owns its domain (nOAuth).
		return profile.truth("xms_edov")
	case Google:
		// Google vouches only for its own addresses and those of its customers: another
		// was verified once, and may have changed hands since.
		own := profile.text("hd") != "" || strings.HasSuffix(profile.text("email"), "@gmail.com")
		return profile.truth("email_verified") && own
	}
	return profile.truth("email_verified")
}
