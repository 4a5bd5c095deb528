-- The bytes that a copy has processed, for copies-13.sql.
-- Since 13: the progress of COPY cannot be seen before 14.
SELECT NULL::bigint
