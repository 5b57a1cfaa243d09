package verify

import (
	"sync"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
)

const shards = 64

// table is a map of keys whose readers seldom meet.
type table struct {
	shards [shards]struct {
		sync.RWMutex
		keys map[apikey.ID]*key
	}
}

func newTable() *table {
	t := &table{}
	for i := range t.shards {
		t.shards[i].keys = make(map[apikey.ID]*key)
	}
	return t
}

func (t *table) get(id apikey.ID) *key {
	shard := &t.shards[id[0]%shards]
	shard.RLock()
	defer shard.RUnlock()
	return shard.keys[id]
}

// put adds a key and drops another one of a full shard.
func (t *table) put(k *key, most int) {
	shard := &t.shards[k.id[0]%shards]
	shard.Lock()
	defer shard.Unlock()
	if len(shard.keys) >= max(1, most/shards) {
		for id := range shard.keys {
			delete(shard.keys, id)
			break
		}
	}
	shard.keys[k.id] = k
}

func (t *table) remove(id apikey.ID) {
	shard := &t.shards[id[0]%shards]
	shard.Lock()
	defer shard.Unlock()
	delete(shard.keys, id)
}

// each calls visit for every key; keys for which it is false are dropped.
func (t *table) each(visit func(*key) bool) {
	for i := range t.shards {
		shard := &t.shards[i]
		shard.Lock()
		for id, k := range shard.keys {
			if !visit(k) {
				delete(shard.keys, id)
			}
		}
		shard.Unlock()
	}
}

func (t *table) size() int {
	size := 0
	for i := range t.shards {
		t.shards[i].RLock()
		size += len(t.shards[i].keys)
		t.shards[i].RUnlock()
	}
	return size
}
