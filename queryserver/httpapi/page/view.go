package page

import (
	"embed"
	"encoding/base64"
	"html/template"
	"strings"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

//go:embed html/*.html
var markup embed.FS

// view is a page to show: html/<name>.html with its data, in the layout.
type view struct {
	name   string
	status int    // 0: 200
	image  bool   // the page shows a picture that it holds itself
	Script bool   // the page needs page.js
	Wrong  string // what was wrong with the form, for its user
	Data   any
}

// policy lets a page have its style, forms that go to this server, and what it asks for
// besides; nothing inline.
func (v view) policy() string {
	policy := "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	if v.Script {
		policy += "; script-src 'self'"
	}
	if v.image {
		policy += "; img-src data:"
	}
	return policy
}

// templates are the pages by name.
type templates map[string]*template.Template

func parse() (templates, error) {
	files, err := markup.ReadDir("html")
	if err != nil {
		return nil, err
	}
	all := make(templates)
	for _, file := range files {
		if file.Name() == "layout.html" {
			continue
		}
		parsed, err := template.ParseFS(markup, "html/layout.html", "html/"+file.Name())
		if err != nil {
			return nil, err
		}
		all[strings.TrimSuffix(file.Name(), ".html")] = parsed
	}
	return all, nil
}

// enrollment is a second factor that is being set up. Without a secret the page only asks
// for the code again.
type enrollment struct {
	Image        template.URL
	Secret       string
	Temporary    string // of a login
	Action, Back string
}

func (e enrollment) view() view { return view{name: "enroll", image: true, Data: e} }

// with shows the secret.
func (e enrollment) with(begun *queryserver.Enrollment) enrollment {
	e.Secret = begun.Secret
	e.Image = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(begun.PNG)) //nolint:gosec // of base64 made here
	return e
}

func codesView(codes []string) view { return view{name: "codes", Data: codes} }

// note is what was done, and where it goes on.
type note struct{ Text, Next string }

func noteView(text, next string) view { return view{name: "note", Data: note{text, next}} }
