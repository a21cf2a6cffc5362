-- What a series was like on average over the analysed flows of its last 28 days. The view is made anew: it keeps the
-- columns that the table had when it was made.
ALTER TABLE positions ADD COLUMN IF NOT EXISTS means Array(Tuple(name LowCardinality(String), value Float64, unit LowCardinality(String), quantity Int64)) AFTER properties;
CREATE OR REPLACE VIEW positions_latest AS
SELECT *
FROM positions
ORDER BY programme, facility, material, direction, _timestamp DESC, _offset DESC
LIMIT 1 BY programme, facility, material, direction;
