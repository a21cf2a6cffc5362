-- Rows of the ledger that stand at the same Kafka coordinates as another row of their table.
SELECT sum(rows - places) AS doubled
FROM
(
    SELECT count() AS rows, uniqExact(_topic_id, _partition, _offset) AS places FROM availability
    UNION ALL SELECT count(), uniqExact(_topic_id, _partition, _offset) FROM ticks
    UNION ALL SELECT count(), uniqExact(_topic_id, _partition, _offset) FROM facilities
    UNION ALL SELECT count(), uniqExact(_topic_id, _partition, _offset) FROM facility_facts
    UNION ALL SELECT count(), uniqExact(_topic_id, _partition, _offset) FROM positions
    UNION ALL SELECT count(), uniqExact(_topic_id, _partition, _offset) FROM matches
    UNION ALL SELECT count(), uniqExact(_topic_id, _partition, _offset) FROM unmatched
    UNION ALL SELECT count(), uniqExact(_topic_id, _partition, _offset) FROM commands
    UNION ALL SELECT count(), uniqExact(_topic_id, _partition, _offset) FROM outcomes
    UNION ALL SELECT count(), uniqExact(_topic_id, _partition, _offset) FROM transactions
    UNION ALL SELECT count(), uniqExact(_topic_id, _partition, _offset) FROM alerts
    UNION ALL SELECT count(), uniqExact(_topic_id, _partition, _offset) FROM rejected
    UNION ALL SELECT count(), uniqExact(_topic_id, _partition, _offset) FROM undecodable
    UNION ALL SELECT count(), uniqExact(_topic_id, _partition, _offset) FROM tombstones
)
