-- Questions about what counts read the rows that matter, not all of availability.

-- Which topics there were since when is asked with every one of them: each part keeps it, and has it made again when
-- somebody takes rows away.
ALTER TABLE availability MODIFY SETTING lightweight_mutation_projection_mode = 'rebuild';
ALTER TABLE availability ADD PROJECTION IF NOT EXISTS topic_ids
(SELECT _topic, _topic_id, min(_timestamp) GROUP BY _topic, _topic_id);
ALTER TABLE availability MATERIALIZE PROJECTION topic_ids;

-- What touches a month. The order of a source's numbers is mostly that of its periods.
ALTER TABLE availability ADD INDEX IF NOT EXISTS by_period (period_start, period_end) TYPE minmax GRANULARITY 1;
ALTER TABLE availability MATERIALIZE INDEX by_period;

-- Readings that were not rejected, with their repeats. A topic that was deleted and made again has other records at the
-- same offsets: a rejection speaks of the topic that was there when it was written. The brokers' clocks may differ by a
-- minute.
CREATE OR REPLACE VIEW availability_accepted AS
SELECT *
FROM availability
WHERE (_topic_id, _partition, _offset) NOT IN
(
    SELECT argMax(id, since), partition, offset
    FROM
    (
        SELECT origin.topic AS topic, origin.partition AS partition, origin.offset AS offset, _timestamp AS said_at
        FROM rejected
    ) AS said
    INNER JOIN
    (
        SELECT _topic AS topic, _topic_id AS id, min(_timestamp) - INTERVAL 1 MINUTE AS since
        FROM availability
        GROUP BY ALL
    ) AS topics USING (topic)
    WHERE since <= said_at
    GROUP BY partition, offset, said_at
);

-- Readings that count: of those the lowest offset of each identity.
CREATE OR REPLACE VIEW availability_counted AS
SELECT *
FROM availability_accepted
ORDER BY facility, source, epoch, sequence, _offset
LIMIT 1 BY facility, source, epoch, sequence;
