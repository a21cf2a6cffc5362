-- How many offers and needs became proposals, agreements and deliveries, and where the others ended. A stage counts
-- everything that ever reached it. Offers and needs are series; completed, received in part and refused are deliveries; a
-- refused load that is settled is refused, not completed.
--
-- takes: programme
--
-- * programme: the programme
-- * offers: series that supply
-- * needs: series that demand
-- * proposed: matches that were ever proposed
-- * accepted_one_side: matches that one side ever accepted while the other had not answered
-- * agreed: agreements
-- * running: agreements with at least one delivery
-- * completed: deliveries that were taken and closed
-- * received_in_part: deliveries of which a part was taken
-- * refused: deliveries that were refused
-- * declined: matches that a side has declined
-- * withdrawn: matches that were taken back
-- * expired: matches that one side accepted and the other did not answer in time
WITH
    wanted AS
    (
        SELECT DISTINCT programme FROM positions
        UNION DISTINCT SELECT DISTINCT programme FROM matches
        UNION DISTINCT SELECT DISTINCT programme FROM transactions
    ),
    departures AS
    (
        SELECT programme, facility, max(_offset) AS left_at
        FROM facility_facts
        WHERE removed
        GROUP BY programme, facility
    ),
    series AS
    (
        SELECT
            programme,
            uniqExactIf((facility, material), direction = 'SUPPLY') AS offers,
            uniqExactIf((facility, material), direction = 'DEMAND') AS needs
        FROM positions
        LEFT JOIN departures USING (programme, facility) -- both are on the programme's partition of one topic
        WHERE departures.left_at = 0 OR positions._offset > departures.left_at
        GROUP BY programme
    ),
    fates AS
    (
        SELECT
            programme,
            id,
            argMax(state, (revision, _timestamp, _offset)) AS last_state,
            max(state IN ('ACCEPTED_BY_GIVER', 'ACCEPTED_BY_RECEIVER')) AS one_side
        FROM matches
        GROUP BY programme, id
    ),
    proposals AS
    (
        SELECT
            programme,
            count() AS proposed,
            countIf(one_side) AS accepted_one_side,
            countIf(last_state = 'DECLINED') AS declined,
            countIf(last_state = 'WITHDRAWN') AS withdrawn,
            countIf(last_state = 'EXPIRED') AS expired
        FROM fates
        GROUP BY programme
    ),
    signed AS
    (
        SELECT programme, uniqExact(agreement) AS agreed, uniqExactIf(agreement, isNotNull(delivery)) AS running
        FROM transactions
        GROUP BY programme
    ),
    loads AS
    (
        SELECT
            programme,
            delivery,
            argMax(state, revision) AS last_state,
            argMaxIf(state, revision, state IN ('received', 'received_in_part', 'refused', 'metered')) AS receipt
        FROM transactions
        WHERE isNotNull(delivery)
        GROUP BY programme, delivery
    ),
    deliveries AS
    (
        SELECT
            programme,
            countIf(last_state = 'completed' AND receipt IN ('received', 'received_in_part', 'metered')) AS completed,
            countIf(receipt = 'received_in_part') AS received_in_part,
            countIf(receipt = 'refused') AS refused
        FROM loads
        GROUP BY programme
    )
SELECT
    wanted.programme AS programme,
    offers,
    needs,
    proposed,
    accepted_one_side,
    agreed,
    running,
    completed,
    received_in_part,
    refused,
    declined,
    withdrawn,
    expired
FROM wanted
LEFT JOIN series USING (programme)
LEFT JOIN proposals USING (programme)
LEFT JOIN signed USING (programme)
LEFT JOIN deliveries USING (programme)
WHERE {programme:String} = '' OR programme = {programme:String}
ORDER BY programme
