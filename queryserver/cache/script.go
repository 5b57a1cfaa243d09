package cache

import "github.com/redis/go-redis/v9"

// The scripts touch two keys: an entry, and the epoch of its kind, a random word that
// changes with each invalidation. It is never absent while a load is under way: after a
// flush the first look-up makes another, so that no load from before it can be stored.

// lookUp answers the time of Redis in seconds and microseconds, the epoch, the length of
// the entry (-1: it is something else) and, if that is within bounds, the entry.
var lookUp = redis.NewScript(`
local now = redis.call('TIME')
local epoch = redis.call('GET', KEYS[2])
if not epoch then
  epoch = ARGV[1]
  redis.call('SET', KEYS[2], epoch)
end
local size, value = redis.pcall('STRLEN', KEYS[1]), false
if type(size) ~= 'number' then size = -1 end
if size > 0 and size <= tonumber(ARGV[2]) then value = redis.call('GET', KEYS[1]) end
return {now[1], now[2], epoch, size, value}`)

// store keeps an entry unless the epoch has changed since its look-up, or a later reading
// is there. ARGV: epoch, entry, its lifetime in ms, 1 to replace whatever is there. It
// answers whether the entry is kept.
var store = redis.NewScript(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
if ARGV[4] ~= '1' then
  local held = redis.call('GETRANGE', KEYS[1], 1, 8)
  if #held == 8 and struct.unpack('>I8', held) > struct.unpack('>I8', string.sub(ARGV[2], 2, 9)) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`)

// forget begins an epoch, deletes entries and tells the other instances, in this order.
// KEYS: epoch, entries. ARGV: the new epoch, channel, notice.
var forget = redis.NewScript(`
redis.call('SET', KEYS[1], ARGV[1])
for i = 2, #KEYS do redis.call('UNLINK', KEYS[i]) end
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1`)
