package keystore

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/telemetryflow/telemetryflow/internal/apikey"
)

// maxSkew is how far the clocks of two collectors may differ.
const maxSkew = time.Minute

// maxEntry bounds an entry that is read: 10,000 tenants of a wide key take
// 800 KB as JSON.
const maxEntry = 4 << 20 // bytes

// ErrMiss means that Redis holds nothing that may be believed.
var ErrMiss = errors.New("no such entry in Redis")

// Redis keeps records for all collectors. Until UseSecret was called it holds
// nothing.
type Redis struct {
	client redis.UniversalClient
	ttl    time.Duration
	seal   atomic.Pointer[cipher.AEAD]
}

// NewRedis keeps records in the given Redis for the given time.
func NewRedis(client redis.UniversalClient, ttl time.Duration) *Redis {
	return &Redis{client: client, ttl: ttl}
}

// UseSecret sets the secret, of 32 bytes, under which entries are sealed.
func (r *Redis) UseSecret(secret []byte) error {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return fmt.Errorf("read the cache secret: %w", err)
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return fmt.Errorf("read the cache secret: %w", err)
	}
	r.seal.Store(&seal)
	return nil
}

// Lifetime is how long after its reading a record can come out of Redis.
func (r *Redis) Lifetime() time.Duration { return r.ttl + maxSkew }

func cacheKey(id apikey.ID) string { return "apikey:" + id.String() }

// Find reads a record. ErrMiss is an answer, any other error is none.
func (r *Redis) Find(ctx context.Context, id apikey.ID) (*Record, error) {
	seal := r.seal.Load()
	if seal == nil {
		return nil, ErrMiss
	}
	key := cacheKey(id)
	sealed, err := r.client.HGet(ctx, key, "record").Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, ErrMiss
	}
	if err != nil {
		return nil, fmt.Errorf("read the API key from Redis: %w", err)
	}
	record := open(*seal, key, sealed)
	if record == nil {
		// Not ours, damaged, or sealed under another secret: the next fill must
		// not be held off by the position beside it.
		return nil, errors.Join(ErrMiss, r.client.Del(ctx, key).Err())
	}
	if age := time.Since(record.ReadAt); age > r.ttl || age < -maxSkew {
		return nil, ErrMiss
	}
	return record, nil
}

func open(seal cipher.AEAD, key string, sealed []byte) *Record {
	if len(sealed) > maxEntry {
		return nil
	}
	plain, err := seal.Open(nil, nil, sealed, []byte(key))
	if err != nil {
		return nil
	}
	record := &Record{}
	if err := json.Unmarshal(plain, record); err != nil || len(record.Tenants) != len(record.Workspaces) {
		return nil
	}
	return record
}

// put stores an entry unless a later reading is there.
var put = redis.NewScript(`
local held = redis.call('HGET', KEYS[1], 'position')
if held and tonumber(held) and tonumber(held) > tonumber(ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'position', ARGV[1], 'record', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`)

// Put stores a record that was read from PostgreSQL just now.
func (r *Redis) Put(ctx context.Context, id apikey.ID, record *Record) error {
	seal := r.seal.Load()
	if seal == nil {
		return nil
	}
	plain, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("encode the API key for Redis: %w", err)
	}
	key := cacheKey(id)
	sealed := (*seal).Seal(nil, nil, plain, []byte(key)) //nolint:gosec // cipher.NewGCMWithRandomNonce makes the nonce itself
	if len(sealed) > maxEntry {
		return nil
	}
	if err := put.Run(ctx, r.client, []string{key}, record.Position, sealed, r.ttl.Milliseconds()).Err(); err != nil {
		return fmt.Errorf("write the API key to Redis: %w", err)
	}
	return nil
}
