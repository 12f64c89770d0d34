-- Impressions of an advertisement: what is known of the user, the place and the moment, and whether it was clicked. The
-- probability of a click is .1 + .3 affinity + .2 (6 - position) / 5 + .15 in the evening + .1 on a phone + .05 above the
-- age of 30, and a normal deviation of .1, held to 0 to 1; the affinity follows Beta(1/2, 1/2), by its inverse distribution.
WITH drawn AS (
  SELECT
    range + 1 AS impression_id,
    CAST(18 + floor(random() * 52) AS INTEGER) AS user_age,
    ['female', 'male', 'unknown'][CAST(1 + floor(random() * 3) AS INTEGER)] AS user_gender,
    CAST(floor(random() * 2000) AS INTEGER) AS user_tenure_days,
    sin(pi() / 2 * random()) ^ 2 AS user_affinity,
    CAST(floor(-20 * ln(1 - random())) AS INTEGER) AS user_clicks_30d,
    random() < 0.35 AS user_is_subscriber,
    ['mobile', 'desktop', 'tablet'][CAST(1 + floor(random() ^ 1.5 * 3) AS INTEGER)] AS device,
    ['cellular', 'wifi', 'wired'][CAST(1 + floor(random() * 3) AS INTEGER)] AS connection,
    ['news', 'sport', 'travel', 'finance', 'games', 'fashion'][CAST(1 + floor(random() * 6) AS INTEGER)] AS ad_category,
    ['image', 'video', 'text'][CAST(1 + floor(random() * 3) AS INTEGER)] AS ad_format,
    CAST(1 + floor(random() * 5) AS INTEGER) AS ad_position,
    round(0.05 - 0.6 * ln(1 - random()), 4) AS ad_bid,
    CAST(floor(random() * 60) AS INTEGER) AS ad_age_days,
    CAST(floor(random() * 24) AS INTEGER) AS hour,
    CAST(1 + floor(random() * 7) AS INTEGER) AS weekday,
    CAST(1 + floor(-6 * ln(1 - random())) AS INTEGER) AS session_pages,
    0.1 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) AS deviation,
    random() AS chance
  FROM range(getvariable('rows'))
)
SELECT
  * EXCLUDE (user_affinity, deviation, chance),
  round(user_affinity, 6) AS user_affinity,
  CAST(chance < greatest(0, least(1,
    0.1 + 0.3 * user_affinity + 0.2 * (6 - ad_position) / 5
    + CASE WHEN hour BETWEEN 18 AND 22 THEN 0.15 ELSE 0 END
    + CASE WHEN device = 'mobile' THEN 0.1 ELSE 0 END
    + CASE WHEN user_age > 30 THEN 0.05 ELSE 0 END
    + deviation)) AS INTEGER) AS clicked
FROM drawn
ORDER BY impression_id
