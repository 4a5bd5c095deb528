-- The counters of a slot's decoding, for vitals-13.sql, of the row "slot" there.
-- Since 14: pg_stat_get_replication_slot().
SELECT row_to_json(stats) FROM pg_stat_get_replication_slot(slot.slot_name::text) AS stats WHERE slot.datoid IS NOT NULL
