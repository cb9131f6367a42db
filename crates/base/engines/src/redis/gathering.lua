-- A word of a process in a gathering, and how it is with it. KEYS: what processes said, who is here, who has left; all of one hash tag.
local said, here, gone = KEYS[1], KEYS[2], KEYS[3]
local writer, begins, now = 'of:' .. ARGV[1], ARGV[2] == '1', tonumber(ARGV[3])
local lease_ms, remembered_ms, unkept_ms = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local unkept, kept, troubles = ARGV[7], tonumber(ARGV[8]), ARGV[9]

if not begins and redis.call('HEXISTS', said, writer) == 0 then
    return {}
end
redis.call('HSETNX', said, 'begun', ARGV[3])
kept = math.max(kept, tonumber(redis.call('HGET', said, 'kept') or 0))
redis.call('HSET', said, 'kept', string.format('%.0f', kept), writer, ARGV[3] .. ' ' .. unkept .. ' ' .. troubles)

redis.call('ZREMRANGEBYSCORE', here, '-inf', now - lease_ms)
redis.call('ZREMRANGEBYSCORE', gone, '-inf', now - remembered_ms)
local count, stayed_ms = redis.call('ZCARD', here), 0
local most = count
for place = 10, #ARGV, 3 do
    local member, at, leaves = ARGV[place], tonumber(ARGV[place + 1]), ARGV[place + 2] == '1'
    local before = tonumber(redis.call('ZSCORE', here, member) or nil)
    if before and at > before then
        stayed_ms = stayed_ms + at - before
    end
    if leaves then
        redis.call('ZADD', gone, at, member)
        if before then
            redis.call('ZREM', here, member)
            count = count - 1
        end
    elseif before then
        redis.call('ZADD', here, 'GT', at, member)
    elseif at > now - lease_ms and not redis.call('ZSCORE', gone, member) then
        redis.call('ZADD', here, at, member)
        count = count + 1
        most = math.max(most, count)
    end
end

-- What all processes said last; one that says nothing any more is forgotten.
local sum_unkept, sum_troubles, begun = 0, 0, now
local fields = redis.call('HGETALL', said)
for place = 1, #fields, 2 do
    local name, value = fields[place], fields[place + 1]
    if name == 'begun' then
        begun = tonumber(value)
    elseif name ~= 'kept' then
        local at, its_unkept, its_troubles = string.match(value, '(%d+) (%d+) (%d+)')
        local silent_ms = now - tonumber(at)
        if silent_ms >= lease_ms then
            redis.call('HDEL', said, name)
        else
            sum_troubles = sum_troubles + tonumber(its_troubles)
            if silent_ms < unkept_ms then
                sum_unkept = sum_unkept + tonumber(its_unkept)
            end
        end
    end
end
for _, key in ipairs(KEYS) do
    redis.call('PEXPIRE', key, remembered_ms)
end
return {math.max(now - begun, 0), count, most, stayed_ms, sum_unkept, kept, sum_troubles}
