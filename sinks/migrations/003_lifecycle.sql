-- Who acted, what waits for the other side, and what an accepted delivery did. An event without an impact has zeros.
ALTER TABLE transactions ADD COLUMN IF NOT EXISTS side LowCardinality(Nullable(String));
ALTER TABLE transactions ADD COLUMN IF NOT EXISTS proposed Nullable(Int64);
ALTER TABLE transactions ADD COLUMN IF NOT EXISTS impact Tuple(diverted Int64, co2e_kg Float64, gain_giver Decimal(18, 4), gain_receiver Decimal(18, 4), currency LowCardinality(String), price_year Int32, data_kind LowCardinality(String));

-- Who looked at an alert, and how long it is quiet.
ALTER TABLE alerts ADD COLUMN IF NOT EXISTS actor LowCardinality(Nullable(String));
ALTER TABLE alerts ADD COLUMN IF NOT EXISTS until Nullable(DateTime64(6, 'UTC'));
