package encode

import (
	"encoding/binary"
	"encoding/json"
	"errors"

	"github.com/zeebo/xxh3"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata/entity"

	"github.com/telemetryflow/telemetryflow/internal/tenant"
)

// ErrNoTenant means that a resource carries no valid stamp of the tenant: the
// pipeline has no tenant_context processor before the exporter. Nothing of the
// request is stored.
var ErrNoTenant = errors.New("a resource names no tenant: put the tenant_context processor into the pipeline before this exporter")

// pair is a rendered attribute.
type pair struct {
	key      string
	value    string
	typeName string // empty for a string, unless a key of the list repeats
}

// origin is what the items of one scope of one resource have in common.
type origin struct {
	sequence uint64 // distinguishes origins; 0 is none

	scope    tenant.Scope
	owner    [32]byte // workspace and tenant as two UUIDs in ClickHouse's byte order
	service  string
	resource []pair
	dropped  uint32
	entities string
	schema   string

	scopeName    string
	scopeVersion string
	scopePairs   []pair
	scopeDropped uint32
	scopeSchema  string

	keys map[string]struct{} // for repeats, else empty

	// fingerprint of all of the above but the tenant, for the series of metrics.
	fingerprint uint64
}

// setResource reads a resource; the reserved attributes become the tenant.
func (o *origin) setResource(resource pcommon.Resource, schema string, scratch []byte) ([]byte, error) {
	attributes := resource.Attributes()
	scope, err := stamped(attributes)
	if err != nil {
		return scratch, err
	}
	o.scope = scope
	putUUID(o.owner[0:16], scope.Workspace)
	putUUID(o.owner[16:32], scope.Tenant)
	o.service = ""
	if name, named := attributes.Get("service.name"); named {
		scratch = appendText(scratch[:0], name)
		o.service = string(scratch)
	}
	o.resource, scratch = o.render(o.resource[:0], attributes, scratch)
	o.dropped = resource.DroppedAttributesCount()
	o.entities = entityRefs(resource)
	o.schema = schema
	return scratch, nil
}

// setScope reads an instrumentation scope of the resource.
func (o *origin) setScope(scope pcommon.InstrumentationScope, schema string, scratch []byte) []byte {
	o.sequence++
	o.scopeName, o.scopeVersion = scope.Name(), scope.Version()
	o.scopePairs, scratch = o.render(o.scopePairs[:0], scope.Attributes(), scratch)
	o.scopeDropped = scope.DroppedAttributesCount()
	o.scopeSchema = schema
	return scratch
}

// Owner reads the tenant that the processor stamped on a resource.
func Owner(resource pcommon.Resource) (tenant.Scope, error) { return stamped(resource.Attributes()) }

// stamped reads the tenant that the processor wrote.
func stamped(attributes pcommon.Map) (tenant.Scope, error) {
	workspace, hasWorkspace := attributes.Get(tenant.WorkspaceAttribute)
	owner, hasTenant := attributes.Get(tenant.TenantAttribute)
	if !hasWorkspace || !hasTenant {
		return tenant.Scope{}, ErrNoTenant
	}
	workspaceID, err := tenant.ParseID(workspace.Str())
	if err != nil {
		return tenant.Scope{}, ErrNoTenant
	}
	tenantID, err := tenant.ParseID(owner.Str())
	if err != nil {
		return tenant.Scope{}, ErrNoTenant
	}
	scope := tenant.Scope{Workspace: workspaceID, Tenant: tenantID}
	if scope.IsZero() {
		return tenant.Scope{}, ErrNoTenant
	}
	return scope, nil
}

// putUUID writes an ID as ClickHouse stores a UUID: two little-endian halves.
func putUUID(dst []byte, id tenant.ID) {
	for i := range 8 {
		dst[i] = id[7-i]
		dst[8+i] = id[15-i]
	}
}

// render reads a list of attributes that many rows share. As in the columns of a
// row's own attributes, every value has a type when a key repeats.
func (o *origin) render(dst []pair, attributes pcommon.Map, scratch []byte) ([]pair, []byte) {
	typed := false
	for key, value := range attributes.All() {
		if key == tenant.WorkspaceAttribute || key == tenant.TenantAttribute {
			continue
		}
		p := pair{key: key}
		if value.Type() == pcommon.ValueTypeStr {
			p.value = value.Str()
		} else {
			scratch = appendText(scratch[:0], value)
			p.value = string(scratch)
			scratch = appendType(scratch[:0], value)
			p.typeName = string(scratch)
			typed = true
		}
		dst = append(dst, p)
	}
	if typed && o.repeats(dst) {
		for i := range dst {
			if dst[i].typeName == "" {
				dst[i].typeName = typeText
			}
		}
	}
	return dst, scratch
}

// repeats tells whether a key occurs twice.
func (o *origin) repeats(pairs []pair) bool {
	defer clear(o.keys)
	for _, p := range pairs {
		if _, met := o.keys[p.key]; met {
			return true
		}
		o.keys[p.key] = struct{}{}
	}
	return false
}

// entityRef is opentelemetry.proto.common.v1.EntityRef in OTLP/JSON.
type entityRef struct {
	SchemaURL       string   `json:"schemaUrl,omitempty"`
	Type            string   `json:"type,omitempty"`
	IDKeys          []string `json:"idKeys,omitempty"`
	DescriptionKeys []string `json:"descriptionKeys,omitempty"`
}

// entityRefs renders the entities of a resource as a JSON array, "" for none.
func entityRefs(resource pcommon.Resource) string {
	refs := entity.ResourceEntityRefs(resource)
	if refs.Len() == 0 {
		return ""
	}
	rendered := make([]entityRef, 0, refs.Len())
	for _, ref := range refs.All() {
		rendered = append(rendered, entityRef{
			SchemaURL:       ref.SchemaUrl(),
			Type:            ref.Type(),
			IDKeys:          ref.IdKeys().AsRaw(),
			DescriptionKeys: ref.DescriptionKeys().AsRaw(),
		})
	}
	text, err := json.Marshal(rendered)
	if err != nil {
		return "" // unreachable: strings always marshal
	}
	return string(text)
}

// setFingerprint hashes the origin. The order of attributes does not matter, since
// SDKs do not keep one; repeated attributes count each.
func (o *origin) setFingerprint(scratch []byte) []byte {
	resource, scratch := hashPairs(o.resource, scratch)
	scope, scratch := hashPairs(o.scopePairs, scratch)
	scratch = binary.LittleEndian.AppendUint64(scratch[:0], resource)
	scratch = binary.LittleEndian.AppendUint64(scratch, scope)
	scratch = binary.LittleEndian.AppendUint32(scratch, o.dropped)
	scratch = binary.LittleEndian.AppendUint32(scratch, o.scopeDropped)
	for _, s := range [...]string{o.entities, o.schema, o.scopeName, o.scopeVersion, o.scopeSchema} {
		scratch = appendString(scratch, s)
	}
	o.fingerprint = xxh3.Hash(scratch)
	return scratch
}

// hashPairs sums the hashes of the pairs, so that their order does not matter.
func hashPairs(pairs []pair, scratch []byte) (uint64, []byte) {
	var sum uint64
	for _, p := range pairs {
		scratch = appendString(scratch[:0], p.key)
		scratch = appendString(scratch, p.value)
		scratch = append(scratch, p.typeName...)
		sum += xxh3.Hash(scratch)
	}
	return sum, scratch
}
