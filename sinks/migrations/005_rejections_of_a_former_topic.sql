-- Readings that count: the lowest offset of each identity, rejected records left out. A topic that was deleted and made
-- again has other records at the same offsets: a rejection speaks of the topic that was there when it was written. The
-- brokers' clocks may differ by a minute.
CREATE OR REPLACE VIEW availability_counted AS
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
)
ORDER BY facility, source, epoch, sequence, _offset
LIMIT 1 BY facility, source, epoch, sequence;
