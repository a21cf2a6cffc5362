-- What people and `lost`, `duplicated` and `resent` are measured on.

-- Readings that count: the lowest offset of each identity, rejected records left out.
CREATE VIEW IF NOT EXISTS availability_counted AS
SELECT *
FROM availability
WHERE (_topic, _partition, _offset) NOT IN (
    SELECT origin.topic, origin.partition, origin.offset FROM rejected
)
ORDER BY facility, source, epoch, sequence, _offset
LIMIT 1 BY facility, source, epoch, sequence;

-- The latest facts of each facility, as its owner published them.
CREATE VIEW IF NOT EXISTS facilities_latest AS
SELECT *
FROM facilities
ORDER BY programme, id, _timestamp DESC, _offset DESC
LIMIT 1 BY programme, id;

-- Tonnes of each facility, material and UTC day. A flow over several days is spread by overlap in whole grams, so that
-- the parts add up exactly: cumulative floor(quantity * elapsed / length), differences per day. Bad readings are no
-- supply and no zero: they are left out and counted. Dry and wet tonnes, and measured, estimated, assumed and simulated
-- ones, are never added up.
CREATE VIEW IF NOT EXISTS tonnes_per_day AS
WITH
    spread AS
    (
        SELECT
            facility,
            material,
            direction,
            data_kind,
            basis,
            quality,
            quantity,
            toUnixTimestamp64Micro(period_start) AS start_us,
            toUnixTimestamp64Micro(period_end) - start_us AS length_us,
            toUnixTimestamp64Micro(toDateTime64(toStartOfDay(period_start), 6, 'UTC')) AS first_day_us,
            arrayJoin(range(toUInt32(intDiv(start_us + length_us - 1 - first_day_us, 86400000000)) + 1)) AS day_number
        FROM availability_counted
        WHERE form = 'FLOW' AND unit = 'GRM' AND period_end > period_start
    ),
    parts AS
    (
        SELECT
            facility,
            material,
            direction,
            data_kind,
            basis,
            quality,
            day_number,
            toDate(first_day_us / 1000000, 'UTC') + day_number AS day,
            greatest(first_day_us + day_number * 86400000000 - start_us, 0) AS before_us,
            least(first_day_us + (day_number + 1) * 86400000000 - start_us, length_us) AS after_us,
            toInt128(quantity) * before_us AS before_product,
            toInt128(quantity) * after_us AS after_product,
            intDiv(before_product - positiveModulo(before_product, length_us), length_us) AS before_grams,
            intDiv(after_product - positiveModulo(after_product, length_us), length_us) AS after_grams
        FROM spread
    )
SELECT
    facilities_latest.programme AS programme,
    facilities_latest.park AS park,
    parts.facility AS facility,
    material,
    direction,
    day,
    data_kind,
    basis,
    toInt64(sumIf(after_grams - before_grams, quality != 'BAD')) AS grams_counted,
    grams_counted / 1000000 AS tonnes,
    countIf(day_number = 0 AND quality != 'BAD') AS readings_started,
    countIf(day_number = 0 AND quality = 'BAD') AS bad_readings_started
FROM parts
LEFT JOIN facilities_latest ON facilities_latest.id = parts.facility
GROUP BY programme, park, facility, material, direction, day, data_kind, basis;

-- The latest position of each series.
CREATE VIEW IF NOT EXISTS positions_latest AS
SELECT *
FROM positions
ORDER BY programme, facility, material, direction, _timestamp DESC, _offset DESC
LIMIT 1 BY programme, facility, material, direction;

-- The latest revision of each match.
CREATE VIEW IF NOT EXISTS matches_latest AS
SELECT *
FROM matches
ORDER BY programme, id, _timestamp DESC, _offset DESC
LIMIT 1 BY programme, id;

-- How many rows each table holds.
CREATE VIEW IF NOT EXISTS ledger_rows AS
SELECT name AS table, assumeNotNull(total_rows) AS rows
FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name != 'schema_migrations'
ORDER BY name;
