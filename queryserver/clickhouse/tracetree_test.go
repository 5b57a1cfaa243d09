package clickhouse

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

func TestArrange(t *testing.T) {
	t.Parallel()
	span := func(id, parent string, after time.Duration) queryserver.Span {
		return queryserver.Span{SpanID: id, ParentSpanID: parent, Name: id, Start: noon.Add(after)}
	}
	all := []queryserver.Span{span("c", "b", 0), span("lone", "gone", time.Second), span("b", "a", 0), span("a", "", 0), span("early", "a", -time.Second)}
	arrange(all)
	require.Equal(t, []string{"early", "a", "b", "c", "lone"}, spanNames(all))
	for _, one := range all {
		require.Equal(t, one.Name == "lone", one.ParentMissing, one.Name)
	}
	// Rings, spans without ids and twins end too.
	rings := []queryserver.Span{span("x", "y", 0), span("y", "z", 0), span("z", "x", 0), span("self", "self", 0), span("", "", 0), span("", "", 0), span("x", "y", 0)}
	arrange(rings)
	require.Len(t, rings, 7)
	deep := make([]queryserver.Span, 20_000)
	for i := range deep {
		deep[i] = span(strconv.Itoa(i), strconv.Itoa(i+1), 0)
	}
	arrange(deep)
	require.Equal(t, "19999", deep[0].Name)
}
