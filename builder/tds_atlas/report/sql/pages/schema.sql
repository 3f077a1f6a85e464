-- Every table, view and column of the records with its comment.
WITH records AS (SELECT database_oid FROM duckdb_tables() WHERE table_name = 'run')
SELECT
    o.name,
    o.kind,
    o.comment AS about,
    c.column_name,
    c.data_type,
    c.comment,
    CASE
        WHEN o.kind = 'view'
        THEN 'Views: what the records mean'
        WHEN
            o.name IN (
                'prefill',
                'swap',
                'swap_grade',
                'continuation',
                'fingerprint',
                'recovery',
                'harmful_answer',
                'amplified'
            )
        THEN 'Tables: probes'
        ELSE 'Tables: what the models said'
    END AS part
FROM
    (
        SELECT database_oid, table_oid AS oid, table_name AS name, 'table' AS kind, comment
        FROM duckdb_tables()
        WHERE NOT internal
        UNION ALL
        SELECT database_oid, view_oid, view_name, 'view', comment
        FROM duckdb_views()
        WHERE NOT internal
    ) o
JOIN records USING (database_oid)
JOIN duckdb_columns() c ON c.database_oid = o.database_oid AND c.table_oid = o.oid AND c.table_name = o.name
ORDER BY
    list_position(['Views: what the records mean', 'Tables: what the models said', 'Tables: probes'], part),
    list_position(
        [
            'tds',
            'example',
            'candidate',
            'word',
            'split',
            'primed',
            'primed_pair',
            'primed_best',
            'stage',
            'stage_step',
            'parting',
            'prompt_shift',
            'prompt_excess',
            'prompt_measure',
            'prompt_tag',
            'prompt_cluster',
            'response_page',
            'swap_outcome',
            'recovery_outcome',
            'fingerprint_token',
            'token_word',
            'planted_word',
            'sentence_end',
            'end_token',
            'likelihood',
            'token_path',
            'token_path_cover',
            'stretch_token',
            'noise',
            'passage',
            'support',
            'support_said',
            'aligntds',
            'counted_twice',
            'comparison',
            'series_step',
            'along_run',
            'control',
            'prompt',
            'turn',
            'reading',
            'response',
            'position',
            'score',
            'divergence',
            'retold',
            'stretch'
        ],
        o.name
    )
    NULLS LAST,
    o.name,
    c.column_index
