-- Share of shifted tokens by the topic of the prompt, with 95 % intervals clustered by prompt. Filled: it differs from
-- the comparison's overall share (dashed) with a false discovery rate of 5 %.
-- Where all or no tokens are shifted, the bound is Wilson's for as many prompts.
SELECT * RENAME(tag AS topic) FROM shift_by_tag('topic')
