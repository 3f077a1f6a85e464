-- How many of the tuned model's tokens does the base need to behave like it?
-- part: Probes
-- needs: swap
SELECT
    comparison_id,
    writer,
    method,
    share,
    threshold,
    avg(n_changed / n_tokens) AS changed_share,
    avg(is_right::INTEGER) AS right_share,
    avg(refuses::INTEGER) AS refuses_share,
    avg(style_share) AS style_share
FROM swap
GROUP BY comparison_id, writer, method, share, threshold
ORDER BY comparison_id, writer, method, share, threshold
