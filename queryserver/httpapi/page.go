package httpapi

import (
	"context"
	"net/url"
	"strconv"
)

// Page is embedded in the input of a list.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many items a page has at most"`
	Cursor string `query:"cursor" maxLength:"1024" doc:"Where the page begins: nextCursor of the page before"`
}

// List is the output of a list: one page, and where the next one begins.
type List[Item any] struct {
	Link string `header:"Link" doc:"The next page, rel=next (RFC 8288)"`
	Body ListBody[Item]
}

// ListBody is the body of a list.
type ListBody[Item any] struct {
	Items      []Item `json:"items" nullable:"false"`
	NextCursor string `json:"nextCursor,omitempty" doc:"Absent on the last page"`
}

// After reads the position that the page begins after; false: at the beginning. The
// position is what NewList was given, as JSON.
func (p Page) After(ctx context.Context, position any) (bool, error) {
	if p.Cursor == "" {
		return false, nil
	}
	e := exchangeOf(ctx)
	list, err := e.list()
	if err != nil {
		return false, err
	}
	return true, e.cursors.open(list, p.Cursor, position)
}

// NewList makes a page of up to Limit+1 rows: the one too many says that there is a next
// page, which begins after the position of the last row that is shown.
func NewList[Item any](ctx context.Context, page Page, rows []Item, position func(Item) any) (*List[Item], error) {
	output := &List[Item]{Body: ListBody[Item]{Items: rows}}
	if rows == nil {
		output.Body.Items = []Item{}
	}
	if len(rows) <= page.Limit {
		return output, nil
	}
	output.Body.Items = rows[:page.Limit]
	e := exchangeOf(ctx)
	list, err := e.list()
	if err != nil {
		return nil, err
	}
	if output.Body.NextCursor, err = e.cursors.seal(list, position(rows[page.Limit-1])); err != nil {
		return nil, err
	}
	output.Link = e.nextLink(page.Limit, output.Body.NextCursor)
	return output, nil
}

// nextLink is relative, because the Host header is the caller's word.
func (e *exchange) nextLink(limit int, cursor string) string {
	next, _ := url.ParseQuery(e.query) // it was encoded here
	next.Set("limit", strconv.Itoa(limit))
	next.Set("cursor", cursor)
	target := url.URL{Path: e.path, RawQuery: next.Encode()}
	return "<" + target.String() + `>; rel="next"`
}
