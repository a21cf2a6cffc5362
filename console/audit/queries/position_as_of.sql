-- What was known of a position at a moment: the newest position of each series that Kafka had taken in by then. Two times
-- stand side by side. `known_since` is the arrival: when this knowledge came to be, which is what `at` asks for. `as_of`
-- is event time: up to when the readings reach that it rests on. A replay of 2007 that ran this morning is known since
-- this morning, as of 2007; a correction that arrived after `at` changes nothing here, whatever day it is about.
--
-- takes: programme, park, facility, material, at
--
-- * programme: the programme that published it
-- * facility: facility id
-- * material: catalogue id
-- * direction: SUPPLY or DEMAND
-- * known_since [UTC]: when Kafka took it in
-- * as_of [UTC]: the latest period end among the readings that it includes
-- * state: fresh, stale (no news for too long), or left (the facility had left the programme by then)
-- * quantity_24h [unit]: sum of the 96 quarter-hours that end at as_of
-- * firm_per_day [unit]: what was promised firmly a day
-- * interruptible_per_day [unit]: what came on top of it, on average
-- * stock [unit]: stock on hand, if it was told
-- * plan_per_day [unit]: planned a day, if there was a plan
-- * unit: the unit of the quantities
-- * data_kind: MEASURED, ESTIMATED, ASSUMED or SIMULATED: the least certain kind in it
-- * formula: the formula of an estimate
-- * input_topic: the readings that it includes stand on this topic
-- * input_partition: in this partition
-- * input_next: below this offset
-- * partition: where the position itself stands in synergy.positions.v1
-- * offset: where the position itself stands in synergy.positions.v1
WITH
    places AS
    (
        SELECT programme, facility, argMax(tuple(park), (_timestamp, _offset)).1 AS park,
            max((_timestamp, _offset, removed)) AS last_said
        FROM facility_facts
        WHERE _timestamp <= {at:DateTime64(6, 'UTC')}
        GROUP BY programme, facility
    ),
    known AS
    (
        SELECT *
        FROM positions
        WHERE _timestamp <= {at:DateTime64(6, 'UTC')}
            AND ({programme:String} = '' OR programme = {programme:String})
            AND ({facility:String} = '' OR facility = {facility:String})
            AND ({material:String} = '' OR material = {material:String})
        ORDER BY programme, facility, material, direction, _timestamp DESC, _offset DESC
        LIMIT 1 BY programme, facility, material, direction
    )
SELECT
    known.programme AS programme,
    known.facility AS facility,
    material,
    direction,
    _timestamp AS known_since,
    as_of,
    multiIf(last_said.3 AND (last_said.1, last_said.2) > (_timestamp, _offset), 'left', stale, 'stale', 'fresh') AS state,
    known.quantity_24h / if(known.unit = 'GRM', 1000000, 1000) AS quantity_24h,
    known.firm_per_day / if(known.unit = 'GRM', 1000000, 1000) AS firm_per_day,
    known.interruptible_per_day / if(known.unit = 'GRM', 1000000, 1000) AS interruptible_per_day,
    known.stock / if(known.unit = 'GRM', 1000000, 1000) AS stock,
    known.plan_per_day / if(known.unit = 'GRM', 1000000, 1000) AS plan_per_day,
    transform(known.unit, ['GRM', 'LTR', 'KJO'], ['t', 'm3', 'MJ'], known.unit) AS unit,
    data_kind,
    formula,
    applied.topic AS input_topic,
    applied.partition AS input_partition,
    applied.offset AS input_next,
    _partition AS partition,
    _offset AS offset
FROM known
LEFT JOIN places ON places.programme = known.programme AND places.facility = known.facility
WHERE {park:String} = '' OR ifNull(places.park, '') = {park:String}
ORDER BY programme, facility, material, direction
