-- What was not accepted, and what came too late, by reason. A rejected record can be mended and replayed; until then it is
-- in no number. A late flow was accepted and is in tonnes, but ended more than 35 days before the newest reading of its
-- series, so that no window of a position could take it. from and to are about the arrival.
--
-- takes: programme, park, facility, material, from, to
--
-- * kind: rejected or late
-- * reason: reason code, explained in the runbook; too_old for late ones
-- * field: the field at fault, if one is
-- * facility: facility id, if the record could be read
-- * source: who sent it, if the record could be read
-- * records: how many
-- * first_arrived [UTC]: when the first of them came
-- * last_arrived [UTC]: when the last of them came
-- * message: what the last one was told, with the fix
-- * topic: where the last one stands in Kafka
-- * partition: where the last one stands in Kafka
-- * offset: where the last one stands in Kafka
WITH
    places AS
    (
        SELECT id AS facility, facilities.programme AS programme, ifNull(park, '') AS park
        FROM facilities
        ORDER BY id, _timestamp DESC, _offset DESC
        LIMIT 1 BY id
    ),
    topics AS
    (
        SELECT _topic_id, min(_timestamp) AS since FROM availability GROUP BY _topic_id
    ),
    -- Facilities that may have late readings: in some stretch of offsets one is older than the newest until its end.
    suspected AS
    (
        SELECT facility
        FROM
        (
            SELECT
                facility,
                oldest_day,
                max(stretches.newest_day) OVER
                (
                    PARTITION BY facility, material, direction
                    ORDER BY since, stretch
                    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
                ) AS newest_day
            FROM
            (
                SELECT
                    facility,
                    material,
                    direction,
                    _topic_id,
                    intDiv(_offset, 16384) AS stretch,
                    intDiv(toUnixTimestamp64Micro(min(period_end)) - 1, 86400000000) AS oldest_day,
                    intDiv(toUnixTimestamp64Micro(max(period_end)) - 1, 86400000000) AS newest_day
                FROM availability
                WHERE quality != 'BAD' AND form != 'PLAN'
                    AND ({facility:String} = '' OR facility = {facility:String})
                    AND ({material:String} = '' OR material = {material:String})
                GROUP BY facility, material, direction, _topic_id, stretch
            ) AS stretches
            INNER JOIN topics USING (_topic_id)
        )
        WHERE oldest_day <= newest_day - 35
    ),
    first_copies AS
    (
        SELECT *
        FROM availability_accepted
        WHERE facility IN suspected
        ORDER BY facility, source, epoch, sequence, _offset
        LIMIT 1 BY facility, source, epoch, sequence
    ),
    judged AS
    (
        SELECT
            facility,
            material,
            source,
            form,
            _topic,
            _partition,
            _offset,
            _timestamp,
            intDiv(toUnixTimestamp64Micro(period_end) - 1, 86400000000) AS end_day,
            max(end_day) OVER
            (
                PARTITION BY facility, material, direction
                ORDER BY since, _offset
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) AS newest_day
        FROM first_copies
        INNER JOIN topics USING (_topic_id)
        WHERE quality != 'BAD' AND form != 'PLAN'
            AND ({material:String} = '' OR material = {material:String})
    ),
    told AS
    (
        SELECT
            'rejected' AS kind, toString(code) AS reason, ifNull(toString(field), '') AS field, ifNull(toString(facility), '') AS facility,
            ifNull(toString(source), '') AS source, _timestamp AS arrived, message, origin.topic AS topic, origin.partition AS partition,
            origin.offset AS offset
        FROM rejected
        WHERE ({facility:String} = '' OR rejected.facility = {facility:String})
            AND
            (
                {material:String} = ''
                OR (origin.topic, origin.partition, origin.offset) IN
                (
                    SELECT _topic, _partition, _offset
                    FROM availability
                    WHERE _offset IN (SELECT origin.offset FROM rejected) AND material = {material:String}
                )
            )
        UNION ALL
        SELECT
            'late', 'too_old', 'period_end', toString(facility), toString(source), _timestamp,
            'the period ended more than 35 days before the newest reading of the series: it is in the ledger, in no window',
            toString(_topic), _partition, _offset
        FROM judged
        WHERE form = 'FLOW' AND end_day <= newest_day - 35
    )
SELECT
    kind,
    reason,
    field,
    facility,
    source,
    count() AS records,
    min(arrived) AS first_arrived,
    max(arrived) AS last_arrived,
    argMax(told.message, (arrived, told.offset)) AS message,
    argMax(told.topic, (arrived, told.offset)) AS topic,
    argMax(told.partition, (arrived, told.offset)) AS partition,
    argMax(told.offset, (arrived, told.offset)) AS offset
FROM told
LEFT JOIN places USING (facility)
WHERE ({programme:String} = '' OR places.programme = {programme:String})
    AND ({park:String} = '' OR places.park = {park:String})
    AND (isNull({from:Nullable(Date32)}) OR arrived >= toDateTime64(assumeNotNull({from:Nullable(Date32)}), 6, 'UTC'))
    AND (isNull({to:Nullable(Date32)}) OR arrived < toDateTime64(assumeNotNull({to:Nullable(Date32)}), 6, 'UTC'))
GROUP BY kind, reason, field, facility, source
ORDER BY records DESC, kind, reason, field, facility, source
