-- How many published positions there are, and how many differ from the readings that they say they include: the sum of
-- the counted flows of the series below the applied offset, within the 96 quarter-hours that end with the one that holds
-- as_of - 1 microsecond. A flow that reaches over the edge of the window is spread by overlap in whole base units.
-- Of a topic that was deleted and made again only the new one is looked at: the offsets of the two mean other records.
WITH
    present AS
    (
        SELECT _topic_id AS present_id, min(_timestamp) AS present_since
        FROM availability
        GROUP BY _topic_id
        ORDER BY present_since DESC
        LIMIT 1
    ),
    flows AS
    (
        SELECT
            facility,
            material,
            direction,
            _partition AS flow_partition,
            _offset AS flow_offset,
            toUnixTimestamp64Micro(period_start) AS start_us,
            toUnixTimestamp64Micro(period_end) AS end_us,
            toInt128(quantity) AS amount
        FROM availability_counted
        WHERE form = 'FLOW' AND quality != 'BAD' AND _topic_id = (SELECT present_id FROM present)
    ),
    stated AS
    (
        SELECT
            facility,
            material,
            direction,
            _partition AS position_partition,
            _offset AS position_offset,
            quantity_24h,
            `applied.partition` AS input_partition,
            `applied.offset` AS input_next,
            intDiv(toUnixTimestamp64Micro(as_of) + 899999999, 900000000) * 900000000 AS window_end_us,
            window_end_us - 86400000000 AS window_start_us
        FROM positions
        WHERE _timestamp >= (SELECT present_since FROM present)
    ),
    included AS
    (
        SELECT
            position_partition,
            position_offset,
            quantity_24h,
            amount * (least(end_us, window_end_us) - start_us) AS until_end,
            amount * (greatest(start_us, window_start_us) - start_us) AS until_start,
            greatest(end_us - start_us, 1) AS length_us,
            flow_partition = input_partition
                AND flow_offset < input_next
                AND end_us > window_start_us
                AND start_us < window_end_us AS inside
        FROM stated
        LEFT JOIN flows USING (facility, material, direction)
    )
SELECT
    count() AS positions,
    countIf(quantity_24h != summed) AS differing
FROM
(
    SELECT
        position_partition,
        position_offset,
        any(quantity_24h) AS quantity_24h,
        sumIf(
            intDiv(until_end - positiveModulo(until_end, length_us), length_us)
                - intDiv(until_start - positiveModulo(until_start, length_us), length_us),
            inside
        ) AS summed
    FROM included
    GROUP BY position_partition, position_offset
)
