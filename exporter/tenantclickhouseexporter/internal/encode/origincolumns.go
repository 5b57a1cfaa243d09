package encode

// originColumns are the columns of a row's resource and scope. All rows of an
// origin repeat them, so that an origin's numbers in the block's dictionaries are
// looked up once and then copied.
type originColumns struct {
	workspace, tenant *fixedColumn
	service           *lowCardinality

	resource, scopePairs    pairColumns
	dropped, scopeDropped   *fixedColumn
	entities                *lowCardinality
	schema, scopeSchema     *lowCardinality
	scopeName, scopeVersion *lowCardinality

	known uint64 // the sequence of the origin whose numbers are in the pair columns
}

// pairColumns are the values and types of a constant list of attributes.
type pairColumns struct {
	values, types *mapColumn[*lowCardinality]

	keyNumbers, valueNumbers    []uint32
	typeKeyNumbers, typeNumbers []uint32
}

// addOwner registers the tenant's columns, with which every table begins.
func (c *originColumns) addOwner(b *Block) {
	c.workspace = b.fixed("workspace_id", typeUUID)
	c.tenant = b.fixed("tenant_id", typeUUID)
}

func (c *originColumns) addService(b *Block) { c.service = b.low("service_name") }

func (c *originColumns) addSource(b *Block) {
	c.resource = newPairColumns(b, "resource_attributes", "resource_attribute_types")
	c.dropped = b.fixed("resource_dropped_attributes_count", "UInt32")
	c.entities = b.low("resource_entity_refs")
	c.schema = b.low("resource_schema_url")
	c.scopeName = b.low("scope_name")
	c.scopeVersion = b.low("scope_version")
	c.scopePairs = newPairColumns(b, "scope_attributes", "scope_attribute_types")
	c.scopeDropped = b.fixed("scope_dropped_attributes_count", "UInt32")
	c.scopeSchema = b.low("scope_schema_url")
}

func newPairColumns(b *Block, values, types string) pairColumns {
	return pairColumns{values: b.compactMap(values), types: b.compactMap(types)}
}

// owner appends the tenant's columns and the service's.
func (c *originColumns) owner(o *origin) {
	c.workspace.bytes(o.owner[0:16])
	c.tenant.bytes(o.owner[16:32])
	c.service.add(o.service)
}

// source appends the columns of resource and scope.
func (c *originColumns) source(o *origin) {
	if c.known != o.sequence {
		c.resource.learn(o.resource)
		c.scopePairs.learn(o.scopePairs)
		c.known = o.sequence
	}
	c.resource.repeat()
	c.scopePairs.repeat()
	c.dropped.uint32(o.dropped)
	c.entities.add(o.entities)
	c.schema.add(o.schema)
	c.scopeName.add(o.scopeName)
	c.scopeVersion.add(o.scopeVersion)
	c.scopeDropped.uint32(o.scopeDropped)
	c.scopeSchema.add(o.scopeSchema)
}

// forget drops the numbers of a block whose dictionaries are emptied.
func (c *originColumns) forget() { c.known = 0 }

func (c *pairColumns) learn(pairs []pair) {
	c.keyNumbers, c.valueNumbers = c.keyNumbers[:0], c.valueNumbers[:0]
	c.typeKeyNumbers, c.typeNumbers = c.typeKeyNumbers[:0], c.typeNumbers[:0]
	for _, p := range pairs {
		c.keyNumbers = append(c.keyNumbers, c.values.keys.number(p.key))
		c.valueNumbers = append(c.valueNumbers, c.values.values.number(p.value))
		if p.typeName != "" {
			c.typeKeyNumbers = append(c.typeKeyNumbers, c.types.keys.number(p.key))
			c.typeNumbers = append(c.typeNumbers, c.types.values.number(p.typeName))
		}
	}
}

func (c *pairColumns) repeat() {
	repeat(c.values, c.keyNumbers, c.valueNumbers)
	repeat(c.types, c.typeKeyNumbers, c.typeNumbers)
}

// repeat appends a map whose numbers are known.
func repeat(c *mapColumn[*lowCardinality], keys, values []uint32) {
	for i, key := range keys {
		c.keys.rows.add(key)
		c.values.rows.add(values[i])
	}
	c.close(len(keys))
}
