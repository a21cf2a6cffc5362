-- How much of each material every facility gave or took in each month, split into measured, estimated, assumed and
-- simulated. Months are the plant's own: its local standard time all year, UTC+8 everywhere in China, elsewhere the
-- whole hour of its longitude (longitude / 15, rounded); utc_offset takes another. Counted are the flows of
-- availability_counted: each reading once, rejected ones never. A flow over the end of a month is spread by overlap in
-- whole base units, so that the parts add up exactly. Readings of bad quality are no supply and no zero: they are
-- counted apart. Dry and wet tonnes are never added. With from and to every month between them has its row, also one
-- without a reading; a series that only a repeat names then has rows of zeros.
--
-- takes: programme, park, facility, material, from, to, utc_offset
--
-- * month: first day of the month at the plant; from and to choose the months that begin from the one until before the other
-- * utc_offset [h]: what the plant's months are ahead of UTC
-- * programme: the programme that the facility belongs to now
-- * facility: facility id
-- * material: catalogue id
-- * direction: SUPPLY or DEMAND
-- * basis: DRY, AS_RECEIVED or NOT_APPLICABLE, as the readings say
-- * unit: the unit of the four quantities
-- * measured [unit]: from readings that were measured
-- * estimated [unit]: from readings derived by a named formula
-- * assumed [unit]: from readings that somebody assumed
-- * simulated [unit]: from readings of a simulation
-- * readings: readings that began in the month and are in the quantities
-- * bad_readings: readings of bad quality that began in the month; they are in no quantity
WITH
    toRelativeMonthNum(assumeNotNull({to:Nullable(Date32)}) - 1) AS last_asked,
    places AS
    (
        SELECT
            id AS facility,
            facilities.programme AS programme,
            ifNull(park, '') AS park,
            if(country = 'CN', 8, round(longitude / 15)) AS local_hours
        FROM facilities
        ORDER BY id, _timestamp DESC, _offset DESC
        LIMIT 1 BY id
    ),
    asked AS
    (
        SELECT facility
        FROM (SELECT DISTINCT facility FROM availability) AS heard
        LEFT JOIN places USING (facility)
        WHERE ({facility:String} = '' OR facility = {facility:String})
            AND ({programme:String} = '' OR places.programme = {programme:String})
            AND ({park:String} = '' OR places.park = {park:String})
    ),
    -- Stretches of a source's numbers in which some copy of a reading touches the months, at any longitude.
    stretches AS
    (
        SELECT facility, source, epoch, intDiv(sequence, 1024)
        FROM availability
        WHERE facility IN asked
            AND ({material:String} = '' OR material = {material:String})
            AND (
                isNull({from:Nullable(Date32)})
                OR period_end > toDateTime64(greatest(assumeNotNull({from:Nullable(Date32)}), toDate32('1900-01-02')), 6, 'UTC') - INTERVAL 1 DAY
            )
            AND (
                isNull({to:Nullable(Date32)}) OR last_asked >= 2299 * 12 + 12 -- the last month that a date can be in
                OR period_start < toDateTime64(makeDate32(intDiv(last_asked, 12), last_asked % 12 + 1, 1), 6, 'UTC') + INTERVAL 1 DAY
            )
        GROUP BY ALL
    ),
    first_copies AS
    (
        SELECT facility, material, direction, form, basis, data_kind, quality, unit, quantity, period_start, period_end
        FROM availability_accepted
        WHERE facility IN asked
            AND (
                (isNull({from:Nullable(Date32)}) AND isNull({to:Nullable(Date32)}))
                OR (facility, source, epoch, intDiv(sequence, 1024)) IN stretches
            )
        ORDER BY facility, source, epoch, sequence, _offset
        LIMIT 1 BY facility, source, epoch, sequence
    ),
    flows AS
    (
        SELECT
            places.programme AS programme,
            facility,
            material,
            direction,
            basis,
            data_kind,
            quality,
            unit,
            quantity,
            ifNull({utc_offset:Nullable(Float64)}, local_hours) AS hours,
            toUnixTimestamp64Micro(period_start) + toInt64(hours * 3600000000) AS start_us,
            toUnixTimestamp64Micro(period_end) - toUnixTimestamp64Micro(period_start) AS length_us,
            toRelativeMonthNum(fromUnixTimestamp64Micro(start_us, 'UTC')) AS first_month,
            toRelativeMonthNum(fromUnixTimestamp64Micro(start_us + length_us - 1, 'UTC')) AS last_month
        FROM first_copies
        LEFT JOIN places USING (facility)
        WHERE form = 'FLOW' AND period_end > period_start
            AND ({material:String} = '' OR material = {material:String})
    ),
    parts AS
    (
        SELECT
            *,
            arrayJoin(range(first_month, last_month + 1)) AS month_number,
            toInt64(toInt32(makeDate32(intDiv(month_number - 1, 12), (month_number - 1) % 12 + 1, 1))) * 86400000000 AS month_us,
            toInt64(toInt32(makeDate32(intDiv(month_number, 12), month_number % 12 + 1, 1))) * 86400000000 AS next_month_us,
            toInt128(quantity) * greatest(month_us - start_us, 0) AS before_product,
            toInt128(quantity) * least(next_month_us - start_us, length_us) AS after_product,
            if(
                first_month = last_month,
                toInt128(quantity),
                intDiv(after_product - positiveModulo(after_product, length_us), length_us)
                    - intDiv(before_product - positiveModulo(before_product, length_us), length_us)
            ) AS amount
        FROM flows
    ),
    rows AS
    (
        SELECT programme, facility, material, direction, basis, unit, hours, month_number, data_kind, quality, amount,
            month_number = first_month AS begun
        FROM parts
        UNION ALL
        SELECT places.programme, facility, material, direction, basis, unit,
            ifNull({utc_offset:Nullable(Float64)}, local_hours) AS hours,
            arrayJoin(range(
                toRelativeMonthNum(assumeNotNull({from:Nullable(Date32)})),
                toRelativeMonthNum(assumeNotNull({to:Nullable(Date32)})) + 1
            )) AS month_number,
            '' AS data_kind, '' AS quality, toInt128(0) AS amount, 0 AS begun
        FROM
        (
            SELECT facility, material, direction, basis, unit
            FROM availability_accepted
            WHERE isNotNull({from:Nullable(Date32)}) AND isNotNull({to:Nullable(Date32)})
                AND facility IN asked
                AND form = 'FLOW' AND period_end > period_start
                AND ({material:String} = '' OR material = {material:String})
            GROUP BY ALL
        ) AS series
        LEFT JOIN places USING (facility)
    )
SELECT
    makeDate32(intDiv(month_number - 1, 12), (month_number - 1) % 12 + 1, 1) AS month,
    hours AS utc_offset,
    programme,
    facility,
    material,
    direction,
    basis,
    transform(unit, ['GRM', 'LTR', 'KJO'], ['t', 'm3', 'MJ'], unit) AS unit,
    toInt64(sumIf(amount, quality != 'BAD' AND data_kind = 'MEASURED')) / if(rows.unit = 'GRM', 1000000, 1000) AS measured,
    toInt64(sumIf(amount, quality != 'BAD' AND data_kind = 'ESTIMATED')) / if(rows.unit = 'GRM', 1000000, 1000) AS estimated,
    toInt64(sumIf(amount, quality != 'BAD' AND data_kind = 'ASSUMED')) / if(rows.unit = 'GRM', 1000000, 1000) AS assumed,
    toInt64(sumIf(amount, quality != 'BAD' AND data_kind = 'SIMULATED')) / if(rows.unit = 'GRM', 1000000, 1000) AS simulated,
    countIf(begun AND quality != 'BAD') AS readings,
    countIf(begun AND quality = 'BAD') AS bad_readings
FROM rows
WHERE (isNull({from:Nullable(Date32)}) OR month >= {from:Nullable(Date32)})
    AND (isNull({to:Nullable(Date32)}) OR month < {to:Nullable(Date32)})
GROUP BY month_number, hours, programme, facility, material, direction, basis, rows.unit
ORDER BY facility, material, direction, basis, month
