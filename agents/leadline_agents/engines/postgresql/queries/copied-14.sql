-- The bytes that a copy has processed, for copies-13.sql, of the row "worker" there.
-- Since 14: pg_stat_progress_copy, which has a row while COPY runs.
SELECT progress.bytes_processed FROM pg_stat_progress_copy AS progress WHERE progress.pid = worker.pid
