-- Merge parts when together they are twenty times their largest, instead of five times. The sink writes few, large parts
-- under load and many small ones at rest; with the default each row is merged so often that merging costs more than
-- inserting. A table keeps some ten to twenty parts instead of five.
ALTER TABLE availability MODIFY SETTING merge_selector_base = 20;
ALTER TABLE ticks MODIFY SETTING merge_selector_base = 20;
ALTER TABLE positions MODIFY SETTING merge_selector_base = 20;
ALTER TABLE facility_facts MODIFY SETTING merge_selector_base = 20;
ALTER TABLE facilities MODIFY SETTING merge_selector_base = 20;
ALTER TABLE matches MODIFY SETTING merge_selector_base = 20;
ALTER TABLE unmatched MODIFY SETTING merge_selector_base = 20;
ALTER TABLE commands MODIFY SETTING merge_selector_base = 20;
ALTER TABLE outcomes MODIFY SETTING merge_selector_base = 20;
ALTER TABLE transactions MODIFY SETTING merge_selector_base = 20;
ALTER TABLE alerts MODIFY SETTING merge_selector_base = 20;
ALTER TABLE rejected MODIFY SETTING merge_selector_base = 20;
