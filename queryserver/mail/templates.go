package mail

import (
	"embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

//go:embed templates/*.tmpl
var files embed.FS

// names are the letters' templates, each NAME.txt.tmpl and NAME.html.tmpl.
var names = [...]string{"invitation", "reset", "locked", "newdevice", "credential", "key", "link"}

// content is a letter in words, twice.
type content struct{ subject, text, html string }

// templates are parsed once. A text also defines the subject.
type templates struct {
	text map[string]*texttemplate.Template
	html map[string]*htmltemplate.Template
}

func parseTemplates() (templates, error) {
	t := templates{make(map[string]*texttemplate.Template), make(map[string]*htmltemplate.Template)}
	for _, name := range names {
		text, err := texttemplate.New(name).Option("missingkey=error").
			ParseFS(files, "templates/layout.txt.tmpl", "templates/"+name+".txt.tmpl")
		if err != nil {
			return templates{}, fmt.Errorf("parse the text of %s: %w", name, err)
		}
		html, err := htmltemplate.New(name).Option("missingkey=error").
			ParseFS(files, "templates/layout.html.tmpl", "templates/"+name+".html.tmpl")
		if err != nil {
			return templates{}, fmt.Errorf("parse the HTML of %s: %w", name, err)
		}
		t.text[name], t.html[name] = text, html
	}
	return t, nil
}

// render puts a letter into words.
func (t templates) render(letter queryserver.Letter) (content, error) {
	name, f, err := describe(letter)
	if err != nil {
		return content{}, err
	}
	var subject, text, html strings.Builder
	if err := t.text[name].ExecuteTemplate(&subject, "subject", f); err != nil {
		return content{}, fmt.Errorf("render the subject of %s: %w", name, err)
	}
	if err := t.text[name].ExecuteTemplate(&text, "layout", f); err != nil {
		return content{}, fmt.Errorf("render the text of %s: %w", name, err)
	}
	if err := t.html[name].ExecuteTemplate(&html, "layout", f); err != nil {
		return content{}, fmt.Errorf("render the HTML of %s: %w", name, err)
	}
	return content{subjectLine(subject.String()), text.String(), html.String()}, nil
}
