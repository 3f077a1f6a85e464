-- Every macro with its parameters, what it is for, and its definition.
SELECT
    function_name AS name,
    function_type = 'table_macro' AS gives_rows,
    parameters,
    comment,
    macro_definition AS definition
FROM duckdb_functions()
WHERE function_type IN ('macro', 'table_macro') AND NOT internal
ORDER BY
    list_position(
        [
            'shift_class',
            'class_counts',
            'jaccard_at',
            'shared_in',
            'once_in',
            'token_text',
            'clustered_mean',
            'clustered_half_width',
            'share_interval',
            'share_bounds',
            'nats_interval',
            'ratio_interval',
            'mean_low',
            'mean_high',
            'standard_error',
            'clustered_error',
            'clustered_margin',
            'kept_within',
            'share_low',
            'share_high',
            't95',
            'z95',
            'normal_p',
            'shift_by_tag',
            'shift_by_word',
            'control_items',
            'swap_curve',
            'refusal_depth',
            'by_position',
            'said',
            'by_confidence',
            'gap_closed',
            'steps_by_size',
            'drawn_position'
        ],
        name
    )
    NULLS LAST,
    name
