package migrate

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"text/template"
)

// Cluster is what the templates of migrations/clickhouse/*.sql are rendered with.
// Its zero value is a single server. The files hold text/template actions only
// for what a cluster changes:
//
//	CREATE TABLE IF NOT EXISTS {{.Local "spans_v3"}}{{.OnCluster}} (…)
//	ENGINE = {{.Engine "MergeTree"}}
//	ORDER BY …;
//	{{.Distributed "spans_v3" "cityHash64(trace_id)"}}
//
//	single server                            cluster "prod"
//	-------------                            --------------
//	spans_v3                                 spans_v3_local ON CLUSTER 'prod'
//	MergeTree                                ReplicatedMergeTree
//	(nothing)                                CREATE TABLE IF NOT EXISTS spans_v3 ON CLUSTER 'prod'
//	                                         AS spans_v3_local ENGINE = Distributed(…);
//
// Inserts and materialized views go to {{.Local}} tables, reads to the plain name.
// The down half drops both: {{.DropDistributed "spans_v3"}}, then
// DROP TABLE IF EXISTS {{.Local "spans_v3"}}{{.OnCluster}}{{.Sync}}.
type Cluster struct {
	Name string
}

// clusterName is what remote_servers in a server's configuration may call a
// cluster; nothing in it needs quoting.
var clusterName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

func (c Cluster) validate() error {
	if c.Name != "" && !clusterName.MatchString(c.Name) {
		return fmt.Errorf("the cluster %q has no name that ClickHouse can have: use letters, digits, _ . and -", c.Name)
	}
	return nil
}

// OnCluster is " ON CLUSTER" and the quoted name, with a leading blank, or nothing.
func (c Cluster) OnCluster() string {
	if c.Name == "" {
		return ""
	}
	return " ON CLUSTER '" + c.Name + "'"
}

// Engine renders a table engine of the MergeTree family and its parameters:
//
//	{{.Engine "ReplacingMergeTree" "version"}}
//
// is ReplacingMergeTree(version), and ReplicatedReplacingMergeTree(version) on a
// cluster, where the server's default_replica_path and default_replica_name give
// each table a path by its UUID, equal on all replicas of a shard. A parameter
// that is empty is left out.
func (c Cluster) Engine(family string, parameters ...string) (string, error) {
	if !strings.HasSuffix(family, "MergeTree") || strings.HasPrefix(family, "Replicated") {
		return "", fmt.Errorf("engine %q: name one of the MergeTree family, without Replicated", family)
	}
	if c.Name != "" {
		family = "Replicated" + family
	}
	var given []string
	for _, parameter := range parameters {
		if parameter != "" {
			given = append(given, parameter)
		}
	}
	if len(given) == 0 {
		return family, nil
	}
	return family + "(" + strings.Join(given, ", ") + ")", nil
}

// Local names the table that holds a relation's rows: the relation itself, or
// its part on each shard.
func (c Cluster) Local(relation string) string {
	if c.Name == "" {
		return relation
	}
	return relation + "_local"
}

// AlterDistributed is the statement that changes the relation over its Local tables,
// or nothing on a single server.
func (c Cluster) AlterDistributed(relation, change string) string {
	if c.Name == "" {
		return ""
	}
	return fmt.Sprintf("ALTER TABLE %s%s %s;", relation, c.OnCluster(), change)
}

// Distributed is the statement that makes the relation over its Local tables, or
// nothing on a single server. The key is the expression that chooses a shard.
func (c Cluster) Distributed(relation, key string) string {
	if c.Name == "" {
		return ""
	}
	return fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s%s AS %s\nENGINE = Distributed('%s', currentDatabase(), '%s', %s);",
		relation, c.OnCluster(), c.Local(relation), c.Name, c.Local(relation), key)
}

// DropDistributed undoes Distributed.
func (c Cluster) DropDistributed(relation string) string {
	if c.Name == "" {
		return ""
	}
	return fmt.Sprintf("DROP TABLE IF EXISTS %s%s SYNC;", relation, c.OnCluster())
}

// Sync is " SYNC" with a leading blank, on a cluster: a replicated table dropped
// without it keeps its path in Keeper for a while, and up after down would fail.
func (c Cluster) Sync() string {
	if c.Name == "" {
		return ""
	}
	return " SYNC"
}

// render fills in one file.
func (c Cluster) render(name string, source []byte) ([]byte, error) {
	parsed, err := template.New(name).Option("missingkey=error").Parse(string(source))
	if err != nil {
		return nil, fmt.Errorf("parse the template %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, c); err != nil {
		return nil, fmt.Errorf("render the template %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// renderedFS shows the templates of another file system as they render.
type renderedFS struct {
	fs.FS
	cluster Cluster
}

// Open renders .sql files and passes everything else through.
func (r renderedFS) Open(name string) (fs.File, error) {
	file, err := r.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return file, err
	}
	defer file.Close()
	source, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	content, err := r.cluster.render(name, source)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return &renderedFile{Reader: bytes.NewReader(content), info: info}, nil
}

type renderedFile struct {
	*bytes.Reader
	info fs.FileInfo // of the template: size and time are its
}

func (f *renderedFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *renderedFile) Close() error               { return nil }
