-- Grants a request, gives it a place in the line and says when it is due, or refuses it.
--
-- KEYS: the state; then log, line and dues of each limit.
-- ARGV: the caller's id; what is seldom needed, in one text: the caller's clock, how long the caller is prepared to wait
-- (negative: no place in the line), when the server started (`-`: the caller knew another one before), the server's
-- identity as the caller knows it (empty: do not care), how long the state lives (ms), and the window of each limit;
-- then of all limits the fields `calm:<identity>:<name>` of the state (with another identity than any, where the caller
-- knew another server before), the capacities, and what the request weighs; and, from who has a place in the line and is
-- due, half the tolerance of each limit.
--
-- Answers how long ago what is granted counts from, or what becomes of it else, the server's clock and an instant.
local call, tonumber, max = redis.call, tonumber, math.max
local n = (#KEYS - 1) / 3
local now = instant(ARGV[2])
local id, claims = ARGV[1], #ARGV > 2 + 3 * n

-- The state says of a limit until when it is calm: nothing is stopped or held back, nobody waits, and the keys live for
-- long enough. Whoever changes that takes it away. So most of the time it is enough to look at that, and whether there is
-- room beside all that the logs remember; what follows, beginning with its functions, takes longer than this. Now and then
-- it is gone through all the same, to take out of the logs what has left them.
if not claims and now % 16 ~= 0 then
  local calm = call('HMGET', KEYS[1], unpack(ARGV, 3, 2 + n))
  local simple, sums = true, {}
  for i = 1, n do
    local charge = tonumber(ARGV[2 + 2 * n + i])
    if charge > 0 then
      local sum = calm[i] and tonumber(calm[i]) > now and call('ZSCORE', KEYS[3 * i - 1], '#')
      sums[i] = sum and sum - charge
      simple = sum and sums[i] + ARGV[2 + n + i] >= 0
      if not simple then break end
    end
  end
  if simple then
    -- As text, since the server is slow at writing numbers that may have fractions.
    local text = string.format
    local from = text('%d', now)
    for i = 1, n do
      if sums[i] then
        call('ZADD', KEYS[3 * i - 1], from, id .. ':' .. ARGV[2 + 2 * n + i], text('%d', sums[i]), '#')
      end
    end
    return 0
  end
end

local patience, born, run, life, list = string.match(ARGV[2], '^%d+ (%-?%d+) (%S+) (%S*) (%d+)(.*)$')
local windows = {}
for window in string.gmatch(list, '%d+') do windows[#windows + 1] = tonumber(window) end
life, patience = tonumber(life), tonumber(patience)
local changed = born == '-'

local state = call('HMGET', KEYS[1], 'run', 'since', 'stops', unpack(ARGV, 3, 2 + n))

local function name(i) return string.match(ARGV[2 + i], '^calm:[^:]*:(.*)$') end

local function keep_state()
  if call('PTTL', KEYS[1]) < life then call('PEXPIRE', KEYS[1], life) end
end

-- Another server than before may have forgotten what was granted until now, and a young one that knows nothing what
-- was granted before it started. What has been told once is not held against it again.
local since = tonumber(state[2] or 0)
if run ~= '' and (state[1] ~= run or (changed and call('HGET', KEYS[1], 'told') ~= run)) then
  local new = not state[1] and not changed
  since = new and tonumber(born) or now
  call('HSET', KEYS[1], 'run', run, 'told', new and '' or run, 'since', since)
  nothing_is_calm(KEYS[1])
  state = {run, since, state[3]}
  keep_state()
end

local stopped = state[3] and tonumber(state[3]) > now
local BEYOND = 9e15

-- Until when all limits are paused and banned, and each of them.
local stops = {}
if stopped then
  local names = {'pause', 'ban'}
  for i = 1, n do
    names[2 * i + 1], names[2 * i + 2] = 'pause:' .. name(i), 'ban:' .. name(i)
  end
  stops = call('HMGET', KEYS[1], unpack(names))
end
local function stop(k) return tonumber(stops[k] or 0) end

-- When somebody in the line is due; how far into the log everything has to leave for that; and how much more leaves
-- by then than it takes.
local function due_of(dues, member)
  local due, reach, spare = string.match(call('HGET', dues, member) or '', '^(%d+):(%d+):(%d+)$')
  return tonumber(due or 0), tonumber(reach or BEYOND), tonumber(spare or 0)
end

-- The weight in the line, and where it begins. Who was due long ago and has not come does not come any more.
local function line_of(line, dues, lapse)
  if call('ZCARD', line) == 0 then return nil end
  local head = call('ZRANGE', line, 0, 1, 'WITHSCORES')
  if head[1] ~= '#' then foreign(line) end
  local queued, lapsed = -tonumber(head[2]), false
  while head[3] and due_of(dues, head[3]) < lapse do
    call('ZREM', line, head[3])
    call('HDEL', dues, head[3])
    queued, lapsed = queued - weight(head[3]), true
    head = call('ZRANGE', line, 0, 1, 'WITHSCORES')
  end
  if not head[3] then
    call('DEL', line, dues)
    return nil
  end
  if lapsed then call('ZADD', line, int(-queued), '#') end
  return queued, tonumber(head[4]) - weight(head[3])
end

-- Up to where the log has to leave, from `reach` on, for `missing` to be free; and what is missing then (none if
-- negative). What entered at one instant leaves at one instant.
local function leaves(log, reach, missing)
  local from, seen = '(' .. int(reach), 0
  while missing > 0 do
    local part = call('ZRANGEBYSCORE', log, from, '+inf', 'WITHSCORES', 'LIMIT', seen, 32)
    if #part == 0 then break end
    for k = 1, #part, 2 do
      local entered = tonumber(part[k + 1])
      if missing <= 0 and entered ~= reach then return reach, missing end
      missing, reach = missing - weight(part[k]), entered
    end
    seen = seen + #part / 2
  end
  return reach, missing
end

local fits, go_at, banned, due, punctual = true, now, 0, now, claims
local on = {}
for i = 1, n do
  local charge = tonumber(ARGV[2 + 2 * n + i])
  if charge > 0 then
    local log, line, dues = KEYS[3 * i - 1], KEYS[3 * i], KEYS[3 * i + 1]
    local capacity, window = tonumber(ARGV[2 + n + i]), windows[i]
    local member = id .. ':' .. ARGV[2 + 2 * n + i]
    local used = used_in(log, now, window, capacity - charge)
    local queued, start = line_of(line, dues, now - max(window, 500000))
    local ahead, before, tail, reach, spare = 0, 0, 0, nil, 0
    if claims then
      local place = queued and call('ZSCORE', line, member)
      if not place then return {5, now, now} end
      tail = tonumber(call('ZRANGE', line, -1, -1, 'WITHSCORES')[2])
      ahead = max(queued - charge - (tail - place), 0)
      local rank = call('ZRANK', line, member)
      if rank > 1 then before = due_of(dues, call('ZRANGE', line, rank - 1, rank - 1)[1]) end
      due = due_of(dues, member)
      punctual = punctual and due <= now and now - due <= tonumber(ARGV[2 + 3 * n + i])
    elseif queued then
      local last = call('ZRANGE', line, -1, -1, 'WITHSCORES')
      tail, ahead = tonumber(last[2]), queued
      before, reach, spare = due_of(dues, last[1])
    end

    local missing = used + ahead + charge - capacity
    local free_at = before > now and before + 1 or now
    local my_reach, my_spare = 0, missing < 0 and -missing or 0
    if missing > 0 then
      if missing > used then
        my_reach = BEYOND
      else
        -- Whoever came last has looked that far already: everybody's steps together are one walk over the log.
        local walk, from = missing, 0
        if reach and reach < BEYOND then walk, from = charge - spare, reach end
        my_reach, walk = leaves(log, from, walk)
        if walk > 0 then my_reach = BEYOND else my_spare = -walk end
      end
      local leaving = my_reach
      if my_reach == BEYOND then
        -- All that counts now has left by then, and some of those ahead, after their turn.
        my_spare = 0
        local of = call('ZRANGEBYSCORE', line, int((start or 0) + max(missing - used, 1)), '+inf', 'LIMIT', 0, 1)[1]
        leaving = max(of and due_of(dues, of) or before, now)
      end
      free_at = max(free_at, leaving + window + 1, now + 1000)
    end
    if missing > 0 or before > now then fits = false end

    go_at = max(go_at, free_at, since > 0 and since + window + 1 or 0)
    go_at = max(go_at, stop(1), stop(2 * i + 1))
    banned = max(banned, stop(2), stop(2 * i + 2))
    on[#on + 1] = {log = log, line = line, dues = dues, charge = charge, member = member, window = window, used = used,
      part = i, queued = queued or 0, tail = tail, reach = my_reach, spare = my_spare}
  end
end

local function step_out()
  for _, l in ipairs(on) do
    call('ZREM', l.line, l.member)
    if l.queued > l.charge then
      call('HDEL', l.dues, l.member)
      call('ZADD', l.line, int(l.charge - l.queued), '#')
    else
      call('DEL', l.line, l.dues)
    end
  end
end

if banned > now then
  if claims then step_out() end
  return {4, now, banned}
end

if fits and go_at <= now then
  if claims then step_out() end
  -- Who was due a moment ago counts from then, so that those behind, who reckoned with that, are not late either.
  local from = punctual and due or now
  for _, l in ipairs(on) do
    call('ZADD', l.log, from, l.member, -l.used - l.charge, '#')
    -- Keys live twice as long as they have to, so that this has to be renewed only now and then.
    if l.used == 0 or tonumber(state[3 + l.part] or 0) <= now then
      call('PEXPIRE', l.log, int(l.window / 500 + 1000))
      if not (stopped or changed or claims) then call('HSET', KEYS[1], ARGV[2 + l.part], now + l.window) end
      keep_state()
    end
  end
  return now - from
end

if go_at - now > patience then
  if claims then step_out() end
  return {3, now, go_at}
end

for _, l in ipairs(on) do
  -- Both for callers who care which server this is and for those who do not.
  call('HDEL', KEYS[1], 'calm::' .. name(l.part), 'calm:' .. (state[1] or '') .. ':' .. name(l.part))
  call('HSET', l.dues, l.member, int(go_at) .. ':' .. int(l.reach) .. ':' .. int(l.spare))
  if not claims then
    call('ZADD', l.line, int(l.tail + l.charge), l.member, int(-l.queued - l.charge), '#')
  end
  local life = int((go_at - now + l.window) / 1000 + 2000)
  for _, key in ipairs({l.line, l.dues}) do
    if call('PTTL', key) < tonumber(life) then call('PEXPIRE', key, life) end
  end
end
return {2, now, go_at}
