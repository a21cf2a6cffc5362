-- What the ledger holds of each source, facility and epoch: rows, different sequences, and the highest sequence.
SELECT source, facility, epoch, count() AS rows, uniqExact(sequence) AS identities, max(sequence) AS last
FROM availability
GROUP BY source, facility, epoch
