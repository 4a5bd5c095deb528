-- Generated columns that a publication does not send, for refused-13.sql, of the rows "class" and "published" there.
-- Since 18: generated columns of the identity have to be published.
SELECT array_agg(attname::text) FROM pg_attribute
WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped AND (
    attgenerated = 'v'
    OR (
        attgenerated = 's' AND published.columns IS NULL
        AND (SELECT pubgencols <> 's' FROM pg_publication AS publication WHERE oid = published.publication)
    )
)
