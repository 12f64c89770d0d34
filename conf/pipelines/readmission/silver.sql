-- Text trimmed, and one way of saying that a value is unknown or a test was not done ("None" is text, not NULL).
SELECT
  * REPLACE (
    coalesce(nullif(trim(race), ''), '?') AS race,
    coalesce(nullif(trim(gender), ''), 'Unknown/Invalid') AS gender,
    trim(age) AS age,
    coalesce(nullif(nullif(trim(max_glu_serum), ''), '?'), 'None') AS max_glu_serum,
    coalesce(nullif(nullif(trim(A1Cresult), ''), '?'), 'None') AS A1Cresult,
    trim(metformin) AS metformin,
    trim(insulin) AS insulin,
    trim(diabetesMed) AS diabetesMed,
    trim(readmitted) AS readmitted
  )
FROM bronze
