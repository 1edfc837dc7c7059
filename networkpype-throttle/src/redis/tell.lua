-- What became of a request.
--
-- KEYS: as for `ask`. ARGV: the caller's clock, the id, and one of
-- `drop`, and what it weighs on each limit: it is given back, whether it waits or counts;
-- `mark`, and of each limit its window, what it weighs there, and how far from now it is to count from (`-`: as before);
-- `top`, the window of the first limit, what it weighed there, and how much more it weighs.
local n = (#KEYS - 1) / 3
local now, id, what = instant(ARGV[1]), ARGV[2], ARGV[3]

local function live(log, window, from)
  local life = int(math.max(from - now + window, 0) / 1000 + 1000)
  if redis.call('PTTL', log) < tonumber(life) then redis.call('PEXPIRE', log, life) end
end

if what == 'drop' then
  for i = 1, n do
    local log, line, dues = KEYS[3 * i - 1], KEYS[3 * i], KEYS[3 * i + 1]
    local member = id .. ':' .. ARGV[3 + i]
    if redis.call('ZREM', log, member) == 1 then redis.call('ZINCRBY', log, ARGV[3 + i], '#') end
    if redis.call('ZREM', line, member) == 1 then
      redis.call('HDEL', dues, member)
      redis.call('ZINCRBY', line, ARGV[3 + i], '#')
      if redis.call('ZCARD', line) <= 1 then redis.call('DEL', line, dues) end
    end
  end
elseif what == 'mark' then
  for i = 1, n do
    local log, window, charge, delay = KEYS[3 * i - 1], ARGV[3 * i + 1], ARGV[3 * i + 2], ARGV[3 * i + 3]
    if delay ~= '-' and charge ~= '0' then
      local from = now + tonumber(delay)
      if redis.call('ZADD', log, int(from), id .. ':' .. charge) == 1 then
        redis.call('ZINCRBY', log, -tonumber(charge), '#')
      end
      live(log, tonumber(window), from)
    end
  end
else
  local log, window, charge, more = KEYS[2], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
  local member = id .. ':' .. int(charge)
  -- What has left the window takes no more. What did not count here counts from now on, which is late enough.
  local from = tonumber(redis.call('ZSCORE', log, member) or (charge == 0 and now) or nil)
  if from and from >= now - window then
    redis.call('ZREM', log, member)
    redis.call('ZADD', log, int(from), id .. ':' .. int(charge + more))
    redis.call('ZINCRBY', log, -more, '#')
    live(log, window, from)
  end
end
return 1
