-- What the source says of a customer, and four columns that are made of it. The median of the monthly charges is that of
-- the customers who arrived together.
SELECT
  *,
  CASE
    WHEN tenure <= 12 THEN 'New'
    WHEN tenure <= 24 THEN 'Medium'
    WHEN tenure <= 48 THEN 'Long'
    ELSE 'Very_Long'
  END AS tenure_category,
  tenure * MonthlyCharges AS total_amount,
  MonthlyCharges / (tenure + 1) AS avg_monthly_charges,
  CAST(Contract = 'Month-to-month' AND MonthlyCharges > median(MonthlyCharges) OVER () AS INTEGER) AS is_high_risk
FROM silver
