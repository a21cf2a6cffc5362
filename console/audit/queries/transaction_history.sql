-- The life of one transaction, from the first reading of both sides to its end, in the order in which Kafka took the
-- records in: the first readings, the latest readings and the positions that the first proposal and the agreement rest
-- on, every version of the match, every command with its outcome, every event of the agreement and its deliveries.
--
-- needs: transaction
--
-- * arrived [UTC]: when Kafka took the record in
-- * event_time [UTC]: what it is about: end of the reading's period, as_of of a position, else the programme's time
-- * step: reading, position, match, command, outcome, agreement or delivery
-- * what: first and latest reading, supply or need, the action of a command
-- * state: the state after it; of an outcome accepted or its reason; of a reading its kind of data
-- * revision: of the match, agreement or delivery
-- * quantity [unit]: of the reading, the match, the command or the event; of a position the 24 h sum
-- * unit: of the quantity
-- * side: GIVER or RECEIVER, for whom somebody acted
-- * actor: who acted
-- * reason: why, in their words
-- * id: of the match, agreement, delivery or command; of a reading source, epoch and sequence; of a position the series
-- * topic: where the record stands in Kafka
-- * partition: where the record stands in Kafka
-- * offset: where the record stands in Kafka
WITH
    steps AS
    (
        SELECT * FROM transactions WHERE agreement = {transaction:UUID}
    ),
    versions AS
    (
        SELECT * FROM matches WHERE id IN (SELECT match FROM steps)
    ),
    marked AS
    (
        SELECT * FROM versions
        WHERE revision = (SELECT min(revision) FROM versions) OR state = 'AGREED'
    ),
    series AS
    (
        SELECT DISTINCT giver AS facility, material, 'SUPPLY' AS direction FROM versions
        UNION ALL
        SELECT DISTINCT receiver AS facility, need AS material, 'DEMAND' AS direction FROM versions
    ),
    cited AS
    (
        SELECT DISTINCT arrayJoin(sources) AS place FROM marked
    ),
    first_copies AS
    (
        SELECT *
        FROM availability_accepted
        WHERE facility IN (SELECT facility FROM series)
        ORDER BY facility, source, epoch, sequence, _offset
        LIMIT 1 BY facility, source, epoch, sequence
    ),
    own_readings AS
    (
        SELECT * FROM first_copies
        WHERE (facility, material, direction) IN (SELECT facility, material, direction FROM series)
    ),
    readings AS
    (
        SELECT *, concat('first ', lower(direction)) AS what
        FROM
        (
            SELECT * FROM own_readings ORDER BY facility, material, direction, _offset LIMIT 1 BY facility, material, direction
        )
        UNION ALL
        SELECT *, concat('latest ', lower(direction)) AS what
        FROM
        (
            SELECT * FROM own_readings
            WHERE (_topic, _partition, _offset) IN (SELECT place.topic, place.partition, place.offset FROM cited)
                AND _timestamp <= (SELECT max(_timestamp) FROM marked) + INTERVAL 1 MINUTE
            ORDER BY _timestamp DESC
            LIMIT 1 BY _topic, _partition, _offset
        )
    ),
    rested_on AS
    (
        SELECT *
        FROM positions
        WHERE (facility, material, direction) IN (SELECT facility, material, direction FROM series)
            AND (_topic, _partition, _offset) IN
            (
                SELECT supply_position.topic, supply_position.partition, supply_position.offset FROM marked
                UNION ALL
                SELECT need_position.topic, need_position.partition, need_position.offset FROM marked
            )
            AND _timestamp <= (SELECT max(_timestamp) FROM marked) + INTERVAL 1 MINUTE
        ORDER BY _timestamp DESC
        LIMIT 1 BY _topic, _partition, _offset
    ),
    orders AS
    (
        SELECT * FROM commands
        WHERE subject IN
            (
                SELECT toString(match) FROM steps
                UNION ALL SELECT toString(agreement) FROM steps
                UNION ALL SELECT toString(assumeNotNull(delivery)) FROM steps WHERE isNotNull(delivery)
            )
            OR id IN (SELECT assumeNotNull(command) FROM steps WHERE isNotNull(command))
    ),
    everything AS
    (
        SELECT
            _timestamp AS arrived, period_end AS event_time, 'reading' AS step, what, toString(data_kind) AS state,
            CAST(NULL AS Nullable(Int32)) AS revision, CAST(quantity AS Nullable(Int64)) AS amount, toString(unit) AS base_unit, '' AS side,
            '' AS actor, '' AS reason, concat(source, '/', toString(epoch), '/', toString(sequence)) AS id,
            toString(_topic) AS topic, _partition AS partition, _offset AS offset, 1 AS rank
        FROM readings
        UNION ALL
        SELECT
            _timestamp, as_of, 'position', lower(direction), toString(data_kind), NULL, quantity_24h, toString(unit), '',
            '', '', concat(facility, '|', material, '|', direction), toString(_topic), _partition, _offset, 2
        FROM rested_on
        UNION ALL
        SELECT
            _timestamp, programme_time, 'match', '', toString(state), revision, quantity_per_day, concat(unit, '/d'), '',
            '', ifNull(reasons[1].text, ''), toString(id), toString(_topic), _partition, _offset, 4
        FROM versions
        UNION ALL
        SELECT
            _timestamp, sent_at, 'command', toString(action), '', revision, quantity, (SELECT toString(any(unit)) FROM steps),
            ifNull(toString(side), ''),
            toString(actor), ifNull(reason, ''), toString(id), toString(_topic), _partition, _offset, 3
        FROM orders
        UNION ALL
        SELECT
            _timestamp, _timestamp, 'outcome', '', if(accepted, 'accepted', ifNull(outcomes.reason, 'refused')), revision, NULL, '', '',
            '', '', toString(command), toString(_topic), _partition, _offset, 6
        FROM outcomes
        WHERE command IN (SELECT orders.id FROM orders)
        UNION ALL
        SELECT
            _timestamp, programme_time, if(isNull(delivery), 'agreement', 'delivery'), '', toString(state), revision, quantity,
            if(isNull(delivery), concat(unit, '/d'), toString(unit)), ifNull(toString(side), ''), toString(actor), ifNull(reason, ''),
            toString(ifNull(delivery, agreement)), toString(_topic), _partition, _offset, 5
        FROM steps
    )
SELECT
    arrived,
    event_time,
    step,
    what,
    state,
    revision,
    amount / if(startsWith(base_unit, 'GRM'), 1000000, 1000) AS quantity,
    if(
        isNull(amount),
        '',
        concat(
            transform(substring(base_unit, 1, 3), ['GRM', 'LTR', 'KJO'], ['t', 'm3', 'MJ'], substring(base_unit, 1, 3)),
            substring(base_unit, 4)
        )
    ) AS unit,
    side,
    actor,
    reason,
    id,
    topic,
    partition,
    offset
FROM everything
ORDER BY arrived, rank, topic, partition, offset
