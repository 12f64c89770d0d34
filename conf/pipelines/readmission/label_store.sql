-- Readmitted within 30 days.
SELECT
  encounter_id,
  CAST(readmitted = '<30' AS INTEGER) AS label,
  snapshot_date
FROM silver
