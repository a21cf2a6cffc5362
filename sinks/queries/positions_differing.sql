-- How many published positions there are, and how many differ from the readings that they say they include: the sum of
-- the counted flows of the series below the applied offset, within the 96 quarter-hours that end with the one that holds
-- as_of - 1 microsecond. A flow that reaches over the edge of the window is spread by overlap in whole base units.
WITH
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
        WHERE form = 'FLOW' AND quality != 'BAD'
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
