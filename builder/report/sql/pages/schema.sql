-- Every table, view and column with its comment.
SELECT o.name, o.kind, o.comment AS about, c.column_name, c.data_type, c.comment,
       CASE WHEN o.kind = 'view' THEN 'Views: what the records mean'
            WHEN o.name IN ('prefill', 'swap', 'continuation') THEN 'Tables: probes'
            ELSE 'Tables: what the models said' END AS part
FROM (
    SELECT table_oid AS oid, table_name AS name, 'table' AS kind, comment FROM duckdb_tables() WHERE NOT internal AND NOT temporary
    UNION ALL
    SELECT view_oid, view_name, 'view', comment FROM duckdb_views() WHERE NOT internal AND NOT temporary
) o
JOIN duckdb_columns() c ON c.table_oid = o.oid AND c.table_name = o.name AND c.database_name <> 'temp'
ORDER BY list_position(['Views: what the records mean', 'Tables: what the models said', 'Tables: probes'], part),
         list_position(['tds', 'example', 'candidate', 'word', 'split', 'primed', 'stage', 'noise', 'aligntds', 'comparison', 'prompt', 'response', 'position', 'score', 'divergence'], o.name)
             NULLS LAST, o.name, c.column_index
