-- Share of shifted tokens by the task of the prompt, with 95 % intervals clustered by prompt. Filled: it differs from
-- the comparison's overall share (dashed) with a false discovery rate of 5 %.
-- Where all or no tokens are shifted, the bound is Wilson's for as many prompts.
SELECT * RENAME(tag AS task) FROM shift_by_tag('task')
