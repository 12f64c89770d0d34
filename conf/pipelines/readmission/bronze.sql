-- The source unchanged, and the day of each encounter. The public file has no dates; they are given by position:
-- row i, counted from 0, belongs to the day i mod 3653 after 1999-01-01 (ten years).
SELECT
  *,
  DATE '1999-01-01' + CAST((row_number() OVER () - 1) % 3653 AS INTEGER) AS snapshot_date
FROM source
