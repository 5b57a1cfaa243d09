package search_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
	"github.com/telemetryflow/telemetryflow/queryserver/search"
)

// The canonical text of each search, which shows how it was read.
func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:     ``,
		"  \t": ``,
		`service:checkout level>=error "connection reset" http.status_code>=500`: `service:checkout level>=error "connection reset" http.status_code>=500`,
		`a AND b OR c d`:              `a b OR c d`,
		`a (b OR c)`:                  `a (b OR c)`,
		`a (b c) d`:                   `a b c d`,
		`(a OR b) OR (c)`:             `a OR b OR c`,
		`NOT a -b -(c d) NOT NOT e`:   `NOT a NOT b NOT (c d) NOT NOT e`,
		`x:-5 y=-1`:                   `x:-5 y=-1`,
		`x:(a OR "b c" OR d*)`:        `x:(a OR "b c" OR d*)`,
		`x!=(a OR b)`:                 `x!=(a OR b)`,
		`x:* y=*`:                     `x:* y:*`,
		`x:"*" "a b"*`:                `x:"*" "a b"*`,
		`path=~^/api/[0-9]+ b!~"a b"`: `path=~"^/api/[0-9]+" b!~"a b"`,
		`url:http://x/y?a=b&c:d`:      `url:http://x/y?a=b&c:d`,
		`"my field"="a\"\\\n\r\t"`:    `"my field"="a\"\\\n\r\t"`,
		`"-x":1 "a!"=b`:               `"-x":1 "a!"=b`,
		`x=(~y)`:                      `x=(~y)`,
		`hello! and or not ORDER`:     `hello! and or not ORDER`,
		`OR:a NOT:b`:                  `OR:a NOT:b`,
		`größe:ж`:                     `größe:ж`,
		`a"b"c`:                       `a "b" c`,
	} {
		tree, err := search.Parse(text, "query.q")
		require.NoError(t, err, text)
		require.Equal(t, want, search.Format(tree), text)
		again, err := search.Parse(want, "query.q")
		require.NoError(t, err, text)
		require.Equal(t, tree, again, text)
	}
}

func TestParse_Tree(t *testing.T) {
	t.Parallel()
	tree, err := search.Parse(`level>=error -"a b"* x:(1 OR "2")`, "query.q")
	require.NoError(t, err)
	text, err := json.Marshal(tree)
	require.NoError(t, err)
	require.JSONEq(t, `{"op":"all","of":[
		{"op":"match","match":{"field":"level","is":">=","any":[{"text":"error"}]}},
		{"op":"not","of":[{"op":"match","match":{"is":":","any":[{"text":"a b","quoted":true,"prefix":true}]}}]},
		{"op":"match","match":{"field":"x","is":":","any":[{"text":"1"},{"text":"2","quoted":true}]}}]}`, string(text))
}

func TestParse_Invalid(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`a AND`:       `expected a value; put "" for an empty one at character 6, found the end`,
		`ж OR OR`:     `expected a condition at character 6, found 'O'`,
		`(a`:          `expected a condition, AND, OR or ) at character 3, found the end`,
		`a)`:          `expected a condition, AND, OR or the end at character 2, found ')'`,
		`()`:          `expected a value; put "" for an empty one at character 2, found ')'`,
		`ж:"abc`:      `expected a text that its quote ends at character 3, found '"'`,
		`"a\x"`:       `expected \", \\, \n, \r or \t at character 3, found '\\'`,
		`"a\`:         `expected a text that its quote ends at character 1, found '"'`,
		`x:`:          `expected a value; put "" for an empty one at character 3, found the end`,
		`x: y`:        `expected a value; put "" for an empty one at character 3, found ' '`,
		`:y`:          `expected the name of a field at character 1, found ':'`,
		`"":y`:        `expected the name of a field at character 1, found '"'`,
		`x:a*b`:       `expected * at the end of a value only; put it in quotes at character 4, found '*'`,
		`*`:           `expected a value; put "" for an empty one at character 1, found '*'`,
		`x>a*`:        `expected a value without * after > at character 3, found 'a'`,
		`x>(a OR b)`:  `expected a value; put "" for an empty one at character 3, found '('`,
		`x:(a b)`:     `expected OR or ) at character 6, found 'b'`,
		`x:(a OR OR)`: `expected a value at character 9, found 'O'`,
		`x:(NOT a)`:   `expected a value at character 4, found 'N'`,
		`x=~"("`:      `expected a regular expression of RE2 at character 4, found '"'`,
		`x=~"(?=a)"`:  `expected a regular expression of RE2 at character 4, found '"'`,
		`x=~""`:       `expected a regular expression at character 4, found '"'`,
		"a\xff":       `expected UTF-8 at character 2, found '�'`,
		`x=~"` + strings.Repeat("a", search.MaxRegexp+1) + `"`: `expected a regular expression of at most 256 bytes at character 4, found '"'`,
		strings.Repeat("a", search.MaxLength+1):                `expected at most 4096 bytes at character 1, found 'a'`,
		strings.Repeat("(", search.MaxDepth+2) + "a":           `expected at most 16 levels of parentheses and negations at character 18, found '('`,
		strings.Repeat("-", search.MaxDepth+2) + "a":           `expected at most 16 levels of parentheses and negations at character 18, found '-'`,
		strings.Repeat("a ", search.MaxTerms+1):                `expected at most 64 values at character 129, found 'a'`,
	} {
		_, err := search.Parse(text, "query.q")
		var e *queryserver.Error
		require.ErrorAs(t, err, &e, text)
		require.Equal(t, queryserver.Invalid, e.Code)
		require.Equal(t, []queryserver.FieldError{{Location: "query.q", Message: want}}, e.Fields, text)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`service:checkout level>=error "connection reset" http.status_code>=500`, `a OR (b -c) x:(1 OR "2"*) y=~"a.*"`,
		`"a b":* NOT NOT x!~y z!=(~a)`, `x=(~y) "-a"=b "!"!=c`, "\"\\n\"* \u2003a", `((((`, `-`, `"`, `x:(a OR`, "a\x00b:\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tree, err := search.Parse(text, "q")
		if err != nil {
			var e *queryserver.Error
			if !errors.As(err, &e) || e.Code != queryserver.Invalid || len(e.Fields) != 1 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		canonical := search.Format(tree)
		again, err := search.Parse(canonical, "q")
		if len(canonical) > search.MaxLength {
			return
		}
		require.NoError(t, err, "%q was written as %q", text, canonical)
		require.Equal(t, tree, again, "%q was written as %q", text, canonical)
		require.Equal(t, canonical, search.Format(again))
	})
}
