-- What all scripts begin with.
--
-- Of each limit there are three keys. The log is a sorted set of what counts: `id:weight` by the instant that it counts
-- from. The line is a sorted set of who waits: `id:weight` by the weight of everybody up to and including it, so that
-- differences of scores are sums. Both hold their own sum, negative, as the score of the member `#`, which therefore
-- comes first. The third, a hash, says of everybody in the line when it is due. Instants are microseconds.

-- Numbers become text here: Lua itself would round them to 14 digits. The zero makes a negative zero a plain one.
local function int(x) return string.format('%.0f', x + 0) end

local function foreign(key) error('networkpype: foreign data in ' .. key) end

local function weight(member)
  return tonumber(string.match(member, ':(%d+)$')) or error('networkpype: foreign data: no weight')
end

-- Whoever stops something, or finds that something was forgotten, has everybody look closely again.
local function nothing_is_calm(state)
  for _, field in ipairs(redis.call('HKEYS', state)) do
    if string.sub(field, 1, 5) == 'calm:' then redis.call('HDEL', state, field) end
  end
end

-- The server's clock, or the caller's where scripts may not ask: that is what `given` begins with.
local function instant(given)
  local time = redis.pcall('TIME')
  if time.err then return tonumber(string.match(given, '^%d+')) end
  return time[1] * 1000000 + time[2]
end

-- What counts in the log, after taking out what has left it: all of that, or as much as it takes to get to `enough`. While
-- there is enough, only now and then is anything taken out: looking costs more than all the rest.
local function used_in(log, now, window, enough)
  local sum = redis.call('ZSCORE', log, '#')
  if not sum then
    if redis.call('EXISTS', log) == 1 then foreign(log) end
    return 0
  end
  local used = -tonumber(sum)
  if used <= enough and now % 16 ~= 0 then return used end
  local cut, swept, gone = '(' .. int(now - window), false, nil
  repeat
    gone = redis.call('ZRANGEBYSCORE', log, 1, cut, 'LIMIT', 0, 100)
    for _, member in ipairs(gone) do used = used - weight(member) end
    if #gone > 0 then redis.call('ZREMRANGEBYRANK', log, 1, #gone) end
    swept = swept or #gone > 0
  until #gone < 100 or used <= enough
  used = math.max(used, 0)
  if swept then redis.call('ZADD', log, int(-used), '#') end
  return used
end
