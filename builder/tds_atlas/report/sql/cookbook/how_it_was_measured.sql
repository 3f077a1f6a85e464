-- Which versions and which device was this measured with?
-- part: What the numbers rest on
SELECT key, value FROM run WHERE key NOT IN ('report_config', 'report_description') ORDER BY key
