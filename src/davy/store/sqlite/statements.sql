-- Every statement of the hot path: a name and a sentence each. Loaded by `statements.py`.

-- name: put_readings
-- Adds the rows of a commit; `fresh` has left out what is stored already.
INSERT INTO readings (
    slice, channel, time_s, entry, arrived_s, raw, unit, value, flags, suspicion
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: put_minutes
-- Adds a commit's minutes to what those minutes held before.
INSERT INTO rollup_1m (slice, channel, start_s, min, sum, max, count)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (slice, channel, start_s) DO UPDATE SET
    min = min(min, excluded.min),
    sum = sum + excluded.sum,
    max = max(max, excluded.max),
    count = count + excluded.count;

-- name: put_hours
-- Adds a commit's hours to what those hours held before.
INSERT INTO rollup_1h (slice, channel, start_s, min, sum, max, count)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (slice, channel, start_s) DO UPDATE SET
    min = min(min, excluded.min),
    sum = sum + excluded.sum,
    max = max(max, excluded.max),
    count = count + excluded.count;

-- name: put_latest
-- Replaces the newest reading of a channel unless the stored one is newer.
INSERT INTO latest (channel, standing_s, time_s, value, flags)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (channel) DO UPDATE SET
    standing_s = excluded.standing_s,
    time_s = excluded.time_s,
    value = excluded.value,
    flags = excluded.flags
WHERE excluded.standing_s >= standing_s;

-- name: put_transition
-- Adds one step in the life of an alarm.
INSERT INTO transitions (
    point, event, before, after, at_s, time_s, value, "by", note, act, refused,
    unverified, backfilled, until_s
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: put_snapshot
-- Keeps the newest state of the pipeline in the place of the one before.
INSERT INTO snapshot (one, "offset", state) VALUES (1, ?, ?)
ON CONFLICT (one) DO UPDATE SET "offset" = excluded."offset", state = excluded.state;

-- name: put_progress
-- Moves the offset to where the commit ends, and counts its readings.
INSERT INTO progress (one, "offset", readings) VALUES (1, ?, ?)
ON CONFLICT (one) DO UPDATE SET
    "offset" = excluded."offset", readings = readings + excluded.readings;

-- name: get_offset
-- How far the log is stored.
SELECT "offset" FROM progress;

-- name: get_count
-- How many readings are stored.
SELECT readings FROM progress;

-- name: get_snapshot
-- The newest state of the pipeline and where in the log it was taken.
SELECT "offset", state FROM snapshot;

-- name: get_latest
-- The newest reading of every channel.
SELECT channel, time_s, value, flags FROM latest ORDER BY channel;

-- name: get_latest_of
-- The newest reading of some channels, given as a JSON array.
SELECT channel, time_s, value, flags FROM latest
WHERE channel IN (SELECT value FROM json_each(?)) ORDER BY channel;

-- name: history_readings
-- A channel's usable readings, slice by slice, in buckets counted from `start`.
WITH RECURSIVE slices (slice) AS (
    SELECT :first UNION ALL SELECT slice + 1 FROM slices WHERE slice < :last
)
SELECT
    min(CAST((time_s - :start) / :bucket AS INTEGER), :final) AS bucket,
    min(value), sum(value), max(value), count(*)
FROM slices CROSS JOIN readings USING (slice)
WHERE channel = :channel AND time_s >= :start AND time_s < :end
    AND flags & :fault = 0 AND abs(value) <= :largest
GROUP BY bucket ORDER BY bucket;

-- name: history_rollup_1m
-- A channel's minutes, slice by slice, in buckets counted from `start`.
WITH RECURSIVE slices (slice) AS (
    SELECT :first UNION ALL SELECT slice + 1 FROM slices WHERE slice < :last
)
SELECT
    min(CAST((start_s - :start) / :bucket AS INTEGER), :final) AS bucket,
    min(min), sum(sum), max(max), sum(count)
FROM slices CROSS JOIN rollup_1m USING (slice)
WHERE channel = :channel AND start_s >= :start AND start_s < :end
GROUP BY bucket ORDER BY bucket;

-- name: history_rollup_1h
-- A channel's hours, slice by slice, in buckets counted from `start`.
WITH RECURSIVE slices (slice) AS (
    SELECT :first UNION ALL SELECT slice + 1 FROM slices WHERE slice < :last
)
SELECT
    min(CAST((start_s - :start) / :bucket AS INTEGER), :final) AS bucket,
    min(min), sum(sum), max(max), sum(count)
FROM slices CROSS JOIN rollup_1h USING (slice)
WHERE channel = :channel AND start_s >= :start AND start_s < :end
GROUP BY bucket ORDER BY bucket;

-- name: next_slice
-- The first slice from here on that holds any reading: gaps cost nothing.
SELECT min(slice) FROM readings WHERE slice >= ?;

-- name: read_all
-- Readings of all channels in a few slices, in the order of the table.
SELECT channel, time_s, entry, arrived_s, raw, unit, value, flags, suspicion
FROM readings
WHERE slice >= :first AND slice < :beyond AND time_s >= :start AND time_s < :end
ORDER BY slice, channel, time_s, entry;

-- name: read_some
-- Readings of some channels (a JSON array) in a few slices, one seek for each of both.
WITH RECURSIVE slices (slice) AS (
    SELECT :first UNION ALL SELECT slice + 1 FROM slices WHERE slice + 1 < :beyond
)
SELECT channel, time_s, entry, arrived_s, raw, unit, readings.value, flags, suspicion
FROM slices CROSS JOIN json_each(:channels) AS wanted CROSS JOIN readings
WHERE readings.slice = slices.slice AND channel = wanted.value
    AND time_s >= :start AND time_s < :end
ORDER BY readings.slice, channel, time_s, entry;

-- name: oldest_readings
-- The first slice that holds readings.
SELECT min(slice) FROM readings;

-- name: oldest_rollup_1m
-- The first slice that holds minutes.
SELECT min(slice) FROM rollup_1m;

-- name: oldest_rollup_1h
-- The first slice that holds hours.
SELECT min(slice) FROM rollup_1h;

-- name: edge_readings
-- The reading behind the last of `rows` that are too old, if there are that many.
SELECT slice, channel, time_s, entry FROM readings WHERE slice < :slice
ORDER BY slice, channel, time_s, entry LIMIT 1 OFFSET :rows;

-- name: forget_readings
-- Deletes readings before an edge.
DELETE FROM readings WHERE (slice, channel, time_s, entry) < (?, ?, ?, ?);

-- name: edge_rollup_1m
-- The minute behind the last of `rows` that are too old, if there are that many.
SELECT slice, channel, start_s FROM rollup_1m WHERE slice < :slice
ORDER BY slice, channel, start_s LIMIT 1 OFFSET :rows;

-- name: forget_rollup_1m
-- Deletes minutes before an edge.
DELETE FROM rollup_1m WHERE (slice, channel, start_s) < (?, ?, ?);

-- name: edge_rollup_1h
-- The hour behind the last of `rows` that are too old, if there are that many.
SELECT slice, channel, start_s FROM rollup_1h WHERE slice < :slice
ORDER BY slice, channel, start_s LIMIT 1 OFFSET :rows;

-- name: forget_rollup_1h
-- Deletes hours before an edge.
DELETE FROM rollup_1h WHERE (slice, channel, start_s) < (?, ?, ?);
