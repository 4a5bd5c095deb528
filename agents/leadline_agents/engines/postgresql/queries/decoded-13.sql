-- The counters of a slot's decoding, for vitals-13.sql.
-- Since 13: there are none before 14.
SELECT NULL::json
