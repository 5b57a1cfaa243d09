package promql

import (
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/telemetryflow/telemetryflow/queryserver"
)

// The attributes of a resource that say who it is.
const (
	serviceName      = "service.name"
	serviceNamespace = "service.namespace"
	serviceInstance  = "service.instance.id"
)

// attributes puts attributes as labels into a builder. Values of keys that become one
// label are joined by semicolons, in the order of the keys, as Prometheus does.
func (n *names) attributes(into *labels.Builder, attributes map[string]string, except ...string) {
	for _, key := range slices.Sorted(maps.Keys(attributes)) {
		name := n.label(key)
		if name == "" || slices.Contains(except, key) {
			continue
		}
		value := attributes[key]
		if before := into.Get(name); before != "" && n.escaped() {
			value = before + ";" + value
		}
		into.Set(name, value)
	}
}

// identity sets job and instance.
func identity(into *labels.Builder, resource map[string]string) {
	if job := jobOf(resource); job != "" {
		into.Set(model.JobLabel, job)
	}
	if instance := resource[serviceInstance]; instance != "" {
		into.Set(model.InstanceLabel, instance)
	}
}

func jobOf(resource map[string]string) string {
	name, named := resource[serviceName]
	if namespace, spaced := resource[serviceNamespace]; named && spaced {
		return namespace + "/" + name
	}
	return name
}

// series are the labels of a series under a metric's name, without le and quantile.
func (n *names) series(name string, s *queryserver.StoredSeries) labels.Labels {
	b := labels.NewBuilder(labels.EmptyLabels())
	n.attributes(b, s.Attributes)
	for _, key := range n.settings.PromoteResourceAttributes {
		if label := n.label(key); label != "" && b.Get(label) == "" {
			b.Set(label, s.Resource[key])
		}
	}
	identity(b, s.Resource)
	b.Set(model.MetricNameLabel, name)
	return b.Labels()
}

// target are the labels of target_info; false when a resource has none.
func (n *names) target(resource map[string]string) (labels.Labels, bool) {
	b := labels.NewBuilder(labels.EmptyLabels())
	n.attributes(b, resource, serviceName, serviceNamespace, serviceInstance)
	if b.Labels().IsEmpty() {
		return labels.EmptyLabels(), false
	}
	identity(b, resource)
	if b.Get(model.JobLabel) == "" && b.Get(model.InstanceLabel) == "" {
		return labels.EmptyLabels(), false
	}
	b.Set(model.MetricNameLabel, targetInfo)
	return b.Labels(), true
}

func with(l labels.Labels, name, value string) labels.Labels {
	return labels.NewBuilder(l).Set(name, value).Labels()
}

func matchesAll(l labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(l.Get(m.Name)) {
			return false
		}
	}
	return true
}
