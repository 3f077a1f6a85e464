-- Provenance.
SELECT key, value FROM run ORDER BY key
