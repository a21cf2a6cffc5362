-- The ledger: one table a record type, every Avro field a column, and where the record stands in Kafka.
--
-- _topic_id is Kafka's id of the topic: a topic that was deleted and made again has another one.
-- _timestamp is the append time. _value holds the bytes that Kafka holds, framing included: columns can be derived
-- again from them, and a Merkle proof needs nothing else.
-- Tables are not partitioned by event time: an insert must become one part (the order key does what partitions would).
-- non_replicated_deduplication_window makes the engine keep one copy of inserts with the same token.
-- Every statement may be repeated: ClickHouse has no transaction around several of them.

CREATE TABLE IF NOT EXISTS availability
(
    id UUID,
    source LowCardinality(String),
    facility LowCardinality(String),
    epoch Int64 CODEC(Delta, ZSTD(1)),
    sequence Int64 CODEC(Delta, ZSTD(1)),
    material LowCardinality(String),
    direction LowCardinality(String),
    form LowCardinality(String),
    source_kind LowCardinality(String),
    quantity Int64 CODEC(ZSTD(1)),
    unit LowCardinality(String),
    period_start DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    period_end DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    observed_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    quality LowCardinality(String),
    data_kind LowCardinality(String),
    basis LowCardinality(String),
    moisture Nullable(Float64),
    formula LowCardinality(Nullable(String)),
    document Nullable(String),
    revision Nullable(Int32),
    corrects Nullable(String),
    flags Array(String),
    properties Array(Tuple(name LowCardinality(String), value Float64, unit LowCardinality(String), method Nullable(String), lot Nullable(String), sampled_at Nullable(DateTime64(6, 'UTC')), valid_until Nullable(DateTime64(6, 'UTC')))),
    _topic LowCardinality(String),
    _topic_id LowCardinality(String),
    _partition Int32,
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    _schema_id Int32,
    _key Nullable(String) CODEC(ZSTD(1)),
    _value String CODEC(ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (facility, source, epoch, sequence, _offset)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS ticks
(
    programme LowCardinality(String),
    time DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    state LowCardinality(String),
    speed Float64,
    chapter LowCardinality(Nullable(String)),
    _topic LowCardinality(String),
    _topic_id LowCardinality(String),
    _partition Int32,
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    _schema_id Int32,
    _key Nullable(String) CODEC(ZSTD(1)),
    _value String CODEC(ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (programme, time, _partition, _offset)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS positions
(
    programme LowCardinality(String),
    facility LowCardinality(String),
    material LowCardinality(String),
    direction LowCardinality(String),
    as_of DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    applied Tuple(topic LowCardinality(String), partition Int32, offset Int64),
    latest Tuple(topic LowCardinality(String), partition Int32, offset Int64),
    latest_source LowCardinality(String),
    latest_sequence Int64 CODEC(Delta, ZSTD(1)),
    source_kind LowCardinality(String),
    data_kind LowCardinality(String),
    unit LowCardinality(String),
    quantity_24h Int64 CODEC(ZSTD(1)),
    days_seen Int32,
    firm_per_day Int64 CODEC(ZSTD(1)),
    interruptible_per_day Int64 CODEC(ZSTD(1)),
    stock Nullable(Int64),
    stock_at Nullable(DateTime64(6, 'UTC')),
    plan_per_day Nullable(Int64),
    quality_good Float64,
    quality_uncertain Float64,
    quality_estimated Float64,
    stale Bool,
    late Int64 CODEC(ZSTD(1)),
    formula LowCardinality(Nullable(String)),
    basis LowCardinality(String),
    flags Array(String),
    properties Array(Tuple(name LowCardinality(String), value Float64, unit LowCardinality(String), method Nullable(String), lot Nullable(String), sampled_at Nullable(DateTime64(6, 'UTC')), valid_until Nullable(DateTime64(6, 'UTC')))),
    _topic LowCardinality(String),
    _topic_id LowCardinality(String),
    _partition Int32,
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    _schema_id Int32,
    _key Nullable(String) CODEC(ZSTD(1)),
    _value String CODEC(ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (programme, facility, material, direction, as_of, _partition, _offset)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS facility_facts
(
    facility LowCardinality(String),
    programme LowCardinality(String),
    park LowCardinality(Nullable(String)),
    name String,
    name_zh Nullable(String),
    latitude Float64,
    longitude Float64,
    industry LowCardinality(String),
    permits Array(String),
    blocked Array(String),
    valid_from DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    valid_to Nullable(DateTime64(6, 'UTC')),
    provenance LowCardinality(String),
    source LowCardinality(String),
    capacity Nullable(Float64),
    capacity_unit LowCardinality(Nullable(String)),
    country LowCardinality(String),
    removed Bool,
    _topic LowCardinality(String),
    _topic_id LowCardinality(String),
    _partition Int32,
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    _schema_id Int32,
    _key Nullable(String) CODEC(ZSTD(1)),
    _value String CODEC(ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (programme, facility, _partition, _offset)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS facilities
(
    id String,
    programme LowCardinality(String),
    park LowCardinality(Nullable(String)),
    name String,
    name_zh Nullable(String),
    latitude Float64,
    longitude Float64,
    industry LowCardinality(String),
    permits Array(String),
    blocked Array(String),
    valid_from DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    valid_to Nullable(DateTime64(6, 'UTC')),
    provenance LowCardinality(String),
    source LowCardinality(String),
    capacity Nullable(Float64),
    capacity_unit LowCardinality(Nullable(String)),
    country LowCardinality(String),
    _topic LowCardinality(String),
    _topic_id LowCardinality(String),
    _partition Int32,
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    _schema_id Int32,
    _key Nullable(String) CODEC(ZSTD(1)),
    _value String CODEC(ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (programme, id, _partition, _offset)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS matches
(
    id UUID,
    programme LowCardinality(String),
    market LowCardinality(String),
    revision Int32,
    state LowCardinality(String),
    giver LowCardinality(String),
    receiver LowCardinality(String),
    material LowCardinality(String),
    use LowCardinality(String),
    need String,
    treatment LowCardinality(Nullable(String)),
    unit LowCardinality(String),
    quantity_per_day Int64 CODEC(ZSTD(1)),
    firm_per_day Int64 CODEC(ZSTD(1)),
    interruptible_per_day Int64 CODEC(ZSTD(1)),
    distance_km Float64,
    distance_method LowCardinality(String),
    verdict LowCardinality(String),
    margins Array(Tuple(property String, limit Float64, relation LowCardinality(String), value Nullable(Float64), unit LowCardinality(String), source LowCardinality(String))),
    value Array(Tuple(side LowCardinality(String), name LowCardinality(String), low Decimal(18, 4), base Decimal(18, 4), high Decimal(18, 4), data_kind LowCardinality(String), source LowCardinality(String))),
    gain_giver Decimal(18, 4),
    gain_receiver Decimal(18, 4),
    gain_low Decimal(18, 4),
    gain_high Decimal(18, 4),
    price_low Decimal(18, 4),
    price_high Decimal(18, 4),
    currency LowCardinality(String),
    price_year Int32,
    co2e_kg_per_day Float64,
    data_kind LowCardinality(String),
    reasons Array(Tuple(code LowCardinality(String), subject Nullable(String), value Nullable(Float64), limit Nullable(Float64), unit LowCardinality(Nullable(String)), text Nullable(String))),
    supply_position Tuple(topic LowCardinality(String), partition Int32, offset Int64),
    need_position Tuple(topic LowCardinality(String), partition Int32, offset Int64),
    sources Array(Tuple(topic LowCardinality(String), partition Int32, offset Int64)),
    programme_time DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    _topic LowCardinality(String),
    _topic_id LowCardinality(String),
    _partition Int32,
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    _schema_id Int32,
    _key Nullable(String) CODEC(ZSTD(1)),
    _value String CODEC(ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (programme, id, _partition, _offset)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS unmatched
(
    programme LowCardinality(String),
    facility LowCardinality(String),
    material LowCardinality(String),
    direction LowCardinality(String),
    resolved Bool,
    reasons Array(Tuple(code LowCardinality(String), subject Nullable(String), value Nullable(Float64), limit Nullable(Float64), unit LowCardinality(Nullable(String)), text Nullable(String))),
    programme_time DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    _topic LowCardinality(String),
    _topic_id LowCardinality(String),
    _partition Int32,
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    _schema_id Int32,
    _key Nullable(String) CODEC(ZSTD(1)),
    _value String CODEC(ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (programme, facility, material, direction, _partition, _offset)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS commands
(
    id UUID,
    programme LowCardinality(String),
    action LowCardinality(String),
    subject String,
    revision Nullable(Int32),
    side LowCardinality(Nullable(String)),
    actor LowCardinality(String),
    reason Nullable(String),
    quantity Nullable(Int64),
    sent_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    _topic LowCardinality(String),
    _topic_id LowCardinality(String),
    _partition Int32,
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    _schema_id Int32,
    _key Nullable(String) CODEC(ZSTD(1)),
    _value String CODEC(ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (programme, id, _partition, _offset)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS outcomes
(
    command UUID,
    programme LowCardinality(String),
    accepted Bool,
    reason Nullable(String),
    allowed Array(String),
    subject String,
    revision Nullable(Int32),
    coordinates Tuple(topic LowCardinality(String), partition Int32, offset Int64),
    _topic LowCardinality(String),
    _topic_id LowCardinality(String),
    _partition Int32,
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    _schema_id Int32,
    _key Nullable(String) CODEC(ZSTD(1)),
    _value String CODEC(ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (programme, command, _partition, _offset)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS transactions
(
    id UUID,
    programme LowCardinality(String),
    agreement UUID,
    delivery Nullable(UUID),
    match UUID,
    state LowCardinality(String),
    revision Int32,
    giver LowCardinality(String),
    receiver LowCardinality(String),
    material LowCardinality(String),
    unit LowCardinality(String),
    quantity Nullable(Int64),
    reason Nullable(String),
    actor LowCardinality(String),
    command Nullable(UUID),
    corrects Nullable(UUID),
    programme_time DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    _topic LowCardinality(String),
    _topic_id LowCardinality(String),
    _partition Int32,
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    _schema_id Int32,
    _key Nullable(String) CODEC(ZSTD(1)),
    _value String CODEC(ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (programme, agreement, _partition, _offset)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS alerts
(
    id UUID,
    programme LowCardinality(String),
    rule LowCardinality(String),
    severity LowCardinality(String),
    state LowCardinality(String),
    subject String,
    reasons Array(Tuple(code LowCardinality(String), subject Nullable(String), value Nullable(Float64), limit Nullable(Float64), unit LowCardinality(Nullable(String)), text Nullable(String))),
    coordinates Tuple(topic LowCardinality(String), partition Int32, offset Int64),
    programme_time DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    _topic LowCardinality(String),
    _topic_id LowCardinality(String),
    _partition Int32,
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    _schema_id Int32,
    _key Nullable(String) CODEC(ZSTD(1)),
    _value String CODEC(ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (programme, id, _partition, _offset)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS rejected
(
    origin Tuple(topic LowCardinality(String), partition Int32, offset Int64),
    code LowCardinality(String),
    field LowCardinality(Nullable(String)),
    message String,
    facility LowCardinality(Nullable(String)),
    source LowCardinality(Nullable(String)),
    key Nullable(String),
    value Nullable(String),
    stage LowCardinality(String),
    _topic LowCardinality(String),
    _topic_id LowCardinality(String),
    _partition Int32,
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    _schema_id Int32,
    _key Nullable(String) CODEC(ZSTD(1)),
    _value String CODEC(ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (_partition, _offset)
SETTINGS non_replicated_deduplication_window = 1000;


-- Records that are no event: wrong framing, unknown schema, bytes that the schema does not explain to the last byte.
CREATE TABLE IF NOT EXISTS undecodable
(
    reason LowCardinality(String),
    message String,
    _topic LowCardinality(String),
    _topic_id LowCardinality(String),
    _partition Int32,
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    _key Nullable(String) CODEC(ZSTD(1)),
    _value String CODEC(ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (_topic, _partition, _offset)
SETTINGS non_replicated_deduplication_window = 1000;

-- Records without a value: what was said before under this key no longer holds.
CREATE TABLE IF NOT EXISTS tombstones
(
    _topic LowCardinality(String),
    _topic_id LowCardinality(String),
    _partition Int32,
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    _key Nullable(String) CODEC(ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (_topic, _partition, _offset)
SETTINGS non_replicated_deduplication_window = 1000;
