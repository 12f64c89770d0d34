-- The model's 14 features, the raw diagnoses and the patient (which no model uses) and the keys.
WITH graded AS (
  SELECT
    *,
    CASE
      WHEN discharge_disposition_id IN (1, 6, 8) THEN 1
      WHEN discharge_disposition_id IN (2, 3, 4, 5, 10, 12, 15, 16, 17, 22, 23, 24, 27, 28, 29, 30) THEN 2
      WHEN discharge_disposition_id IN (9, 13, 14) THEN 3
      WHEN discharge_disposition_id = 7 THEN 4
      WHEN discharge_disposition_id IN (11, 19, 20, 21) THEN 5
      WHEN discharge_disposition_id IN (18, 25, 26) THEN 0
    END AS discharge_severity,
    number_outpatient + number_emergency + number_inpatient AS visits,
    -- Both ratios are held in single precision; their quotient is not.
    CAST(time_in_hospital / nullif(num_medications, 0) AS FLOAT) AS days_a_medication,
    CAST((num_lab_procedures + num_procedures) / nullif(number_diagnoses, 0) AS FLOAT) AS procedures_a_diagnosis
  FROM silver
)
SELECT
  encounter_id,
  CAST(race = 'AfricanAmerican' AS INTEGER) AS race_AfricanAmerican,
  CAST(race = 'Caucasian' AS INTEGER) AS race_Caucasian,
  CAST(race IN ('Asian', '?') AS INTEGER) AS race_Asian,
  CAST(race = 'Hispanic' AS INTEGER) AS race_Hispanic,
  CAST(gender = 'Female' AS INTEGER) AS is_female,
  CAST(regexp_extract(age, '\[(\d+)-', 1) AS INTEGER) + 5 AS age_midpoint,
  CASE
    WHEN admission_type_id IN (1, 7) THEN 3
    WHEN admission_type_id = 2 THEN 2
    WHEN admission_type_id IN (3, 4) THEN 1
    WHEN admission_type_id IN (5, 6, 8) THEN 0
  END AS admission_severity_score,
  CASE
    WHEN admission_source_id IN (1, 2, 3, 11, 12, 13, 14, 23, 24) THEN 1
    WHEN admission_source_id IN (7, 8) THEN 2
    WHEN admission_source_id IN (4, 5, 6, 10, 18, 22, 25, 26) THEN 3
    WHEN admission_source_id = 19 THEN 4
    WHEN admission_source_id IN (9, 15, 17, 20, 21) THEN 0
  END AS admission_source_risk_score,
  CAST(max_glu_serum IN ('>200', '>300') OR A1Cresult IN ('>7', '>8', '>9') AS INTEGER) AS poor_glucose_control,
  CASE metformin WHEN 'No' THEN 0 WHEN 'Steady' THEN 1 WHEN 'Down' THEN -1 WHEN 'Up' THEN 2 END AS metformin_ord,
  CASE insulin WHEN 'No' THEN 0 WHEN 'Steady' THEN 1 WHEN 'Down' THEN -1 WHEN 'Up' THEN 2 END AS insulin_ord,
  CAST(diabetesMed = 'Yes' AS INTEGER) AS diabetesMed,
  discharge_severity * visits AS severity_x_visits,
  CAST(days_a_medication AS DOUBLE) / CAST(procedures_a_diagnosis + CAST(1 AS FLOAT) AS DOUBLE) AS medication_density,
  diag_1,
  diag_2,
  diag_3,
  patient_nbr,
  snapshot_date
FROM graded
