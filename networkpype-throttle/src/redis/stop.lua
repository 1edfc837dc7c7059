-- Nothing goes out for a while: KEYS: the state. ARGV: the caller's clock, for how long (µs), and the fields to set.
local now = instant(ARGV[1])
local till = now + tonumber(ARGV[2])
local function extend(field)
  local before = tonumber(redis.call('HGET', KEYS[1], field) or 0)
  redis.call('HSET', KEYS[1], field, int(math.max(before, till)))
end
for i = 3, #ARGV do extend(ARGV[i]) end
-- Until then, whoever asks has to look at all those.
extend('stops')
nothing_is_calm(KEYS[1])
local life = tonumber(ARGV[2]) / 1000 + 1000
if redis.call('PTTL', KEYS[1]) < life then redis.call('PEXPIRE', KEYS[1], int(life)) end
return 1
