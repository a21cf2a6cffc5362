-- The latest facts of each facility. A facility belongs to one programme at a time: one that has moved is not in both,
-- and its tonnes are not counted for both.
CREATE OR REPLACE VIEW facilities_latest AS
SELECT *
FROM facilities
ORDER BY id, _timestamp DESC, _offset DESC
LIMIT 1 BY id;
