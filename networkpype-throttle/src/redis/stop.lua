-- Nothing goes out for a while: KEYS: the state. ARGV: the caller's clock, for how long (µs), and the fields to set.
local now = instant(ARGV[1])
local till = now + tonumber(ARGV[2])
for i = 3, #ARGV do
  local before = tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or 0)
  redis.call('HSET', KEYS[1], ARGV[i], int(math.max(before, till)))
end
local life = tonumber(ARGV[2]) / 1000 + 1000
if redis.call('PTTL', KEYS[1]) < life then redis.call('PEXPIRE', KEYS[1], int(life)) end
return 1
