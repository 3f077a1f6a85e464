-- Totals of the report.
SELECT
    (SELECT count(*) FROM prompt) AS prompts,
    (SELECT count(*) FROM response) AS responses,
    (SELECT count(*) FROM tds) AS positions,
    (SELECT count(*) FROM response WHERE finish = 'length') AS cut,
    (SELECT count(*) FROM prompt WHERE harmful) AS harmful
