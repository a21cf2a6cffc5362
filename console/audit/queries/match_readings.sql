-- The readings behind the newest version of a match: what the positions of both sides rest on. Flows are shown that reach
-- into the 28 days before the position's as_of or its 24 h window; `in_24h` says what each of them gave to the 24 h sum,
-- so that the column adds up to quantity_24h of the position exactly. Stocks are shown that were told by then, the newest,
-- and plan lines that had not ended. A reading counts when it stands below the position's input offset, in the topic that
-- was there then, and is in availability_counted: its first copy, never a rejected one.
--
-- needs: match
-- takes: from
--
-- * side: GIVER or RECEIVER
-- * facility: facility id
-- * material: catalogue id
-- * form: FLOW, STOCK or PLAN
-- * period_start [UTC]: begin of the period; from leaves out what ended before it
-- * period_end [UTC]: end of the period
-- * quantity [unit]: as the reading says
-- * in_24h [unit]: the part of it that is in the position's 24 h sum
-- * unit: the unit of both
-- * quality: GOOD, UNCERTAIN, ESTIMATED or BAD; a bad one is in no sum
-- * data_kind: MEASURED, ESTIMATED, ASSUMED or SIMULATED
-- * formula: the formula of an estimate
-- * source: who sent it
-- * epoch: of the source's counting
-- * sequence: its number in the source's counting
-- * topic: where the reading stands in Kafka
-- * partition: where the reading stands in Kafka
-- * offset: where the reading stands in Kafka
WITH
    (
        SELECT groupArray((since, id))
        FROM
        (
            SELECT min(_timestamp) - INTERVAL 1 MINUTE AS since, _topic_id AS id FROM availability GROUP BY id
        )
    ) AS topics,
    newest AS
    (
        SELECT * FROM matches WHERE id = {match:UUID} ORDER BY _timestamp DESC, _offset DESC LIMIT 1
    ),
    sides AS
    (
        SELECT 'GIVER' AS side, giver AS facility, material, 'SUPPLY' AS direction, supply_position AS place, _timestamp AS said_at
        FROM newest
        UNION ALL
        SELECT 'RECEIVER', receiver, need, 'DEMAND', need_position, _timestamp
        FROM newest
    ),
    rested_on AS
    (
        SELECT
            sides.side AS side,
            facility,
            material,
            direction,
            applied,
            arrayFilter(one -> tupleElement(one, 1) <= positions._timestamp, topics) AS known,
            tupleElement(arrayElement(arrayReverseSort(known), 1), 2) AS topic_id,
            toUnixTimestamp64Micro(as_of) AS as_of_us,
            intDiv(as_of_us + 899999999, 900000000) * 900000000 AS window_end_us,
            window_end_us - 86400000000 AS window_start_us
        FROM positions
        INNER JOIN sides USING (facility, material, direction)
        WHERE (_topic, _partition, _offset) = (place.topic, place.partition, place.offset)
            AND positions._timestamp <= said_at + INTERVAL 1 MINUTE
        ORDER BY positions._timestamp DESC
        LIMIT 1 BY side
    ),
    first_copies AS
    (
        SELECT *
        FROM availability_accepted
        WHERE facility IN (SELECT facility FROM sides)
        ORDER BY facility, source, epoch, sequence, _offset
        LIMIT 1 BY facility, source, epoch, sequence
    ),
    own_readings AS
    (
        SELECT * FROM first_copies
        WHERE (facility, material, direction) IN (SELECT facility, material, direction FROM sides)
    ),
    behind AS
    (
        SELECT
            rested_on.side AS side,
            own_readings.*,
            toUnixTimestamp64Micro(period_start) AS start_us,
            toUnixTimestamp64Micro(period_end) AS end_us,
            greatest(end_us - start_us, 1) AS length_us,
            toInt128(quantity) * (greatest(least(end_us, window_end_us), start_us) - start_us) AS until_end,
            toInt128(quantity) * (least(greatest(start_us, window_start_us), end_us) - start_us) AS until_start,
            if(
                form = 'FLOW' AND quality != 'BAD',
                toInt64(
                    intDiv(until_end - positiveModulo(until_end, length_us), length_us)
                        - intDiv(until_start - positiveModulo(until_start, length_us), length_us)
                ),
                0
            ) AS inside
        FROM own_readings
        INNER JOIN rested_on USING (facility, material, direction)
        WHERE _topic_id = rested_on.topic_id AND _partition = applied.partition AND _offset < applied.offset
            AND multiIf(
                form = 'FLOW', end_us > least(intDiv(as_of_us, 86400000000) * 86400000000 - 28 * 86400000000, window_start_us),
                form = 'PLAN', end_us > as_of_us,
                true
            )
            AND (isNull({from:Nullable(Date32)}) OR period_end > toDateTime64(assumeNotNull({from:Nullable(Date32)}), 6, 'UTC'))
    )
SELECT
    side,
    facility,
    material,
    form,
    period_start,
    period_end,
    behind.quantity / if(behind.unit = 'GRM', 1000000, 1000) AS quantity,
    inside / if(behind.unit = 'GRM', 1000000, 1000) AS in_24h,
    transform(behind.unit, ['GRM', 'LTR', 'KJO'], ['t', 'm3', 'MJ'], behind.unit) AS unit,
    quality,
    data_kind,
    formula,
    source,
    epoch,
    sequence,
    _topic AS topic,
    _partition AS partition,
    _offset AS offset
FROM
(
    SELECT * FROM behind WHERE form != 'STOCK'
    UNION ALL
    SELECT * FROM behind WHERE form = 'STOCK' ORDER BY side, period_end DESC, _offset DESC LIMIT 1 BY side
) AS behind
ORDER BY side, form, period_start, offset
