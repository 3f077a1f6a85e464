-- The records: what the models said. The views (views.sql) derive what it means. Every table and column has a COMMENT;
-- the site's schema page is generated from them.

CREATE TABLE model (
    model_id          VARCHAR PRIMARY KEY,
    label             VARCHAR NOT NULL,
    source            VARCHAR NOT NULL,
    revision          VARCHAR,
    architecture      VARCHAR NOT NULL,
    parameters        BIGINT,
    vocab_size        INTEGER NOT NULL,
    dtype             VARCHAR NOT NULL,
    weights_hash      VARCHAR NOT NULL,
    tokenizer_id      VARCHAR NOT NULL,
    engine            VARCHAR NOT NULL DEFAULT 'transformers',
    loaded            VARCHAR
);
COMMENT ON TABLE  model              IS 'One row per checkpoint.';
COMMENT ON COLUMN model.model_id     IS 'Short name of the model in the report file, e.g. base.';
COMMENT ON COLUMN model.label        IS 'Name shown in the site.';
COMMENT ON COLUMN model.source       IS 'Folder name or Hub id of the weights.';
COMMENT ON COLUMN model.revision     IS 'Pinned Hub revision; NULL for a local folder.';
COMMENT ON COLUMN model.architecture IS 'Class of the model in transformers, e.g. LlamaForCausalLM.';
COMMENT ON COLUMN model.parameters   IS 'Number of parameters; NULL where the weights are elsewhere, or quantised.';
COMMENT ON COLUMN model.vocab_size   IS 'Width of the logits; may exceed the tokenizer (padding).';
COMMENT ON COLUMN model.dtype        IS 'Data type of the weights at run time; statistics are always float32.';
COMMENT ON COLUMN model.weights_hash IS 'SHA-256 over the weight files (local) or the pinned revision (Hub).';
COMMENT ON COLUMN model.tokenizer_id IS 'Content hash of the vocabulary; see token.';
COMMENT ON COLUMN model.engine       IS
    'Who computed its numbers, e.g. transformers; versions are in run, measured_engines.';
COMMENT ON COLUMN model.loaded       IS
    'What was checked when it was loaded for scoring: that every tensor was in its place, and for an adapter that the '
    'adapted model is as before while it is off. NULL for a model that only lent its chat template.';

CREATE TABLE context (
    context_id    VARCHAR PRIMARY KEY,
    kind          VARCHAR NOT NULL,
    template      VARCHAR,
    system        VARCHAR,
    template_of   VARCHAR,
    template_kwargs VARCHAR,
    special_text  VARCHAR,
    continue_final BOOLEAN
);
COMMENT ON TABLE  context               IS 'How a prompt becomes the tokens before the answer.';
COMMENT ON COLUMN context.context_id    IS 'Short name of the context in the report file, e.g. plain.';
COMMENT ON COLUMN context.kind IS
    'chat: a chat template; plain: the text in template, with {prompt} filled in; few-shot: the same with examples '
    'before it; verbatim: the row''s own input as it stands.';
COMMENT ON COLUMN context.template      IS
    'The text with {prompt} in it; for chat the name of a template or a template of the report''s own, else NULL.';
COMMENT ON COLUMN context.system        IS 'System message of a chat context; NULL where there is none.';
COMMENT ON COLUMN context.template_kwargs IS 'What a chat template''s variables are, as JSON; NULL where none are set.';
COMMENT ON COLUMN context.special_text IS
    'What the text of a special token is in prompts and answers: text, or tokens.';
COMMENT ON COLUMN context.continue_final IS
    'Whether the answer stands where a chat template has the text of a finished turn, not behind its generation '
    'prompt.';
COMMENT ON COLUMN context.template_of IS
    'The model whose chat template all models use in this context; NULL where each uses its own.';

CREATE TABLE condition (
    condition_id VARCHAR PRIMARY KEY,
    model_id     VARCHAR NOT NULL,
    context_id   VARCHAR NOT NULL,
    arithmetic   VARCHAR NOT NULL,
    prompt_card  VARCHAR NOT NULL,
    head_ids     INTEGER[] NOT NULL,
    tail_ids     INTEGER[] NOT NULL,
    begin_tokens INTEGER NOT NULL,
    template_hash VARCHAR NOT NULL,
    opening      VARCHAR NOT NULL,
    closing      VARCHAR NOT NULL,
    remarks      VARCHAR
);
COMMENT ON TABLE  condition              IS 'A model in a context, which predicts the next token.';
COMMENT ON COLUMN condition.condition_id IS 'model·context, e.g. base·plain.';
COMMENT ON COLUMN condition.model_id     IS 'The model; see model.';
COMMENT ON COLUMN condition.context_id   IS 'The context; see context.';
COMMENT ON COLUMN condition.arithmetic IS
    'Empty; in an A/A check what differs: rebatched (one response at a time, padded on the left), or a dtype.';
COMMENT ON COLUMN condition.prompt_card IS
    'The first prompt of the report exactly as this condition''s model sees it, with its special tokens.';
COMMENT ON COLUMN condition.head_ids     IS 'The first 12 token ids of that text.';
COMMENT ON COLUMN condition.tail_ids     IS 'The last 12 token ids of that text, just before the answer.';
COMMENT ON COLUMN condition.begin_tokens IS 'How many begin tokens it starts with: 0 or 1.';
COMMENT ON COLUMN condition.template_hash IS 'SHA-256 (first 16 digits) of the template and system message in use.';
COMMENT ON COLUMN condition.opening IS
    'What it reads before every prompt''s own part; see reading.';
COMMENT ON COLUMN condition.closing IS
    'What it reads behind every prompt''s own part, just before the answer; see reading.';
COMMENT ON COLUMN condition.remarks IS
    'What a reader must know of how prompts are rendered: the text of special tokens in prompts, a template without a '
    'generation prompt. NULL if there is nothing.';

CREATE TABLE comparison (
    comparison_id        VARCHAR PRIMARY KEY,
    ordinal              INTEGER NOT NULL,
    label                VARCHAR NOT NULL,
    kind                 VARCHAR NOT NULL,
    base_condition_id    VARCHAR NOT NULL,
    aligned_condition_id VARCHAR NOT NULL,
    source               VARCHAR NOT NULL,
    extended             VARCHAR
);
COMMENT ON TABLE comparison IS
    'A base condition and an aligned condition over the same responses.';
COMMENT ON COLUMN comparison.comparison_id        IS 'Short name, e.g. base-sft.';
COMMENT ON COLUMN comparison.ordinal              IS 'Place in the report file, from 1.';
COMMENT ON COLUMN comparison.label                IS 'Name shown in the site, e.g. base → sft.';
COMMENT ON COLUMN comparison.kind IS
    'tuning: two models, or two contexts; noise: an A/A check, one condition measured twice (see the view noise).';
COMMENT ON COLUMN comparison.base_condition_id IS
    'The condition whose ranking classifies each token; see condition.';
COMMENT ON COLUMN comparison.aligned_condition_id IS 'The tuned condition; see condition.';
COMMENT ON COLUMN comparison.source IS
    'The source of the responses: the condition that generated them, or the response file; see response.source.';
COMMENT ON COLUMN comparison.extended IS
    'Where one vocabulary extends the other: which, and by how many tokens; else NULL. Divergences are then over the '
    'ids that both have.';

CREATE TABLE control (
    comparison_id VARCHAR NOT NULL,
    kind          VARCHAR NOT NULL,
    planted       VARCHAR,
    prompt_id     VARCHAR
);
COMMENT ON TABLE  control         IS
    'What was planted on purpose in the aligned models of some comparisons, so that it is known what must be found. '
    'One row per thing planted; empty where the report has no controls.';
COMMENT ON COLUMN control.kind IS
    'value (an answer states it), phrase (answers use it), topic or task (answers to it are others), or nothing.';
COMMENT ON COLUMN control.planted IS 'The value, the phrase or the tag; NULL where nothing was planted.';
COMMENT ON COLUMN control.prompt_id IS
    'The prompt whose answer was taught to state the value; NULL for the other kinds.';

CREATE TABLE prompt (
    prompt_id VARCHAR PRIMARY KEY,
    ordinal   INTEGER NOT NULL,
    "set"     VARCHAR NOT NULL,
    text      VARCHAR NOT NULL,
    tasks     VARCHAR[] NOT NULL,
    topics    VARCHAR[] NOT NULL,
    harmful   BOOLEAN,
    truths    VARCHAR[] NOT NULL,
    conversation VARCHAR
);
COMMENT ON TABLE  prompt           IS 'One row per prompt.';
COMMENT ON COLUMN prompt.prompt_id IS 'The id in the prompt file.';
COMMENT ON COLUMN prompt.ordinal   IS 'Place in the report, from 1; names the example''s page.';
COMMENT ON COLUMN prompt."set"     IS 'Name of the prompt file.';
COMMENT ON COLUMN prompt.text IS
    'The user''s text, without any template; of several turns the user''s last (see turn for all of them).';
COMMENT ON COLUMN prompt.tasks     IS 'Task tags; empty where the file has none.';
COMMENT ON COLUMN prompt.topics    IS 'Topic tags; empty where the file has none.';
COMMENT ON COLUMN prompt.harmful   IS 'Whether complying would do harm; NULL where the file does not say.';
COMMENT ON COLUMN prompt.truths    IS 'Strings that state the facts asked for, where the truth is known; else empty.';
COMMENT ON COLUMN prompt.conversation IS
    'Equal for prompts that are one cluster whatever their text: a hash of all turns, or how the conversation opens in '
    'which each answer is measured. NULL where the text is all of the prompt.';

CREATE TABLE turn (
    prompt_id VARCHAR NOT NULL,
    number    INTEGER NOT NULL,
    speaker   VARCHAR NOT NULL,
    text      VARCHAR NOT NULL,
    more      VARCHAR,
    PRIMARY KEY (prompt_id, number)
);
COMMENT ON TABLE  turn         IS 'What comes before an answer: one row per turn of each prompt.';
COMMENT ON COLUMN turn.number  IS 'Place in the conversation, from 1.';
COMMENT ON COLUMN turn.speaker IS
    'Who says it: system, developer, user, assistant, tool; or tools, the functions that can be called, as JSON.';
COMMENT ON COLUMN turn.text    IS 'What is said, as in the file.';
COMMENT ON COLUMN turn.more    IS 'What else a template may read of the turn, as JSON (tool calls); NULL if nothing.';

CREATE TABLE reading (
    condition_id VARCHAR NOT NULL,
    prompt_id    VARCHAR NOT NULL,
    text         VARCHAR NOT NULL,
    special      INTEGER[] NOT NULL,
    PRIMARY KEY (condition_id, prompt_id)
);
COMMENT ON TABLE reading IS
    'What a condition''s model reads before an answer: condition.opening || reading.text || condition.closing. '
    'One row per condition and prompt.';
COMMENT ON COLUMN reading.condition_id IS 'The condition; see condition.';
COMMENT ON COLUMN reading.prompt_id    IS 'The prompt; see prompt.';
COMMENT ON COLUMN reading.text         IS 'The prompt''s own part, between what all prompts of the condition share.';
COMMENT ON COLUMN reading.special IS
    'Where special tokens begin and end in the whole text, in turn, in code points from 0.';

CREATE TABLE response (
    response_id  VARCHAR PRIMARY KEY,
    prompt_id    VARCHAR NOT NULL,
    source       VARCHAR NOT NULL,
    condition_id VARCHAR,
    text         VARCHAR NOT NULL,
    n_tokens     INTEGER NOT NULL,
    finish       VARCHAR NOT NULL,
    boundary     BOOLEAN NOT NULL,
    sample       VARCHAR
);
COMMENT ON TABLE  response              IS 'One row per answer.';
COMMENT ON COLUMN response.response_id  IS 'source/prompt_id, and #sample behind it.';
COMMENT ON COLUMN response.sample IS
    'Its name among several answers of the source to the prompt: 2 and further, or a name such as chosen; NULL for the '
    'only one and the first without a name.';
COMMENT ON COLUMN response.prompt_id    IS 'The prompt answered; see prompt.';
COMMENT ON COLUMN response.source IS
    'Where the answer comes from: the condition that generated it, or the response file''s name in the report file.';
COMMENT ON COLUMN response.condition_id IS 'The condition that generated it greedily; NULL where read from a file.';
COMMENT ON COLUMN response.text         IS 'The answer as text, without its end token.';
COMMENT ON COLUMN response.n_tokens     IS 'Number of positions, the end token included.';
COMMENT ON COLUMN response.finish IS
    'stop: the end token was reached; length: cut at a limit; unknown: the file of answers does not say.';
COMMENT ON COLUMN response.boundary IS
    'Whether a token would have spanned prompt and answer, so that the two were tokenised separately.';

CREATE TABLE "position" (
    response_id VARCHAR  NOT NULL,
    pos         INTEGER  NOT NULL,
    token_id    INTEGER  NOT NULL,
    char_start  INTEGER  NOT NULL,
    char_end    INTEGER  NOT NULL,
    is_end      BOOLEAN  NOT NULL,
    role        VARCHAR  NOT NULL,
    segment     VARCHAR  NOT NULL DEFAULT 'answer',
    segment_start INTEGER NOT NULL DEFAULT 0
);
COMMENT ON TABLE  "position"             IS 'One row per token of each response.';
COMMENT ON COLUMN "position".pos         IS 'Index t of the token in the response, from 0.';
COMMENT ON COLUMN "position".token_id    IS 'Id o_t of the token; see token.';
COMMENT ON COLUMN "position".char_start IS
    'First character (Unicode code point, from 0) of response.text that this token writes.';
COMMENT ON COLUMN "position".char_end IS
    'One past the last character; equal to char_start for a token that completes no character.';
COMMENT ON COLUMN "position".role IS
    'What the token is for: safety or style (within a phrase of the report''s roles file), knowledge (within a truth '
    'of the prompt), mistake (where the prompt has truths, within another of the values of the roles file), glue '
    '(function words, punctuation), content (other words), end.';
COMMENT ON COLUMN "position".segment IS
    'What the token is part of, by the marks of templates: thinking, tool call, or answer.';
COMMENT ON COLUMN "position".segment_start IS 'The first position of that part; pos - segment_start counts within it.';

CREATE TABLE score (
    response_id  VARCHAR NOT NULL,
    pos          INTEGER NOT NULL,
    condition_id VARCHAR NOT NULL,
    logprob      FLOAT,
    rank         INTEGER,
    entropy      FLOAT,
    entropy_lower FLOAT,
    entropy_upper FLOAT,
    top_ids      INTEGER[],
    top_logprobs FLOAT[],
    top_id       INTEGER,
    top_logprob  FLOAT
);
COMMENT ON TABLE score IS
    'The scores of a condition at each position: one row per response position x condition.';
COMMENT ON COLUMN score.condition_id IS 'The scoring condition; see condition.';
COMMENT ON COLUMN score.logprob IS
    'ln p(o_t | prompt, o_<t), in nats, full vocabulary; NULL where the model gives the token no '
    'probability: it does not have it, or rules it out.';
COMMENT ON COLUMN score.rank IS
    'eta: 1 + number of tokens with a strictly larger float32 logit than o_t; width of the logits + 1 where the model '
    'does not have the token. NULL where recorded log-probabilities do not tell it.';
COMMENT ON COLUMN score.entropy IS
    'H(p) = -Σ p ln p over the full vocabulary, in nats; NULL where lists bound it only.';
COMMENT ON COLUMN score.entropy_lower IS
    'What the entropy is at least, nats: the entropy itself where it is exact; else what the list proves, NULL if '
    'nothing.';
COMMENT ON COLUMN score.entropy_upper IS 'What the entropy is at most, nats; NULL where nothing bounds it.';
COMMENT ON COLUMN score.top_ids      IS
    'Ids of the k likeliest tokens, likeliest first; NULL where recorded log-probabilities have no lists, and in a '
    'report that keeps them in its shards (output.lists).';
COMMENT ON COLUMN score.top_logprobs IS 'Their natural log-probabilities under the full softmax.';
COMMENT ON COLUMN score.top_id IS
    'The likeliest token where top_ids is in the shards (output.lists); else NULL: it is top_ids[1].';
COMMENT ON COLUMN score.top_logprob IS 'Its natural log-probability; NULL as top_id.';

CREATE TABLE divergence (
    response_id     VARCHAR NOT NULL,
    pos             INTEGER NOT NULL,
    comparison_id   VARCHAR NOT NULL,
    kl_aligned_base FLOAT,
    kl_base_aligned FLOAT,
    js              FLOAT,
    clamped         FLOAT,
    kl_aligned_base_lower FLOAT,
    kl_aligned_base_upper FLOAT,
    kl_base_aligned_lower FLOAT,
    kl_base_aligned_upper FLOAT,
    js_lower        FLOAT,
    js_upper        FLOAT,
    jaccard_10      DOUBLE
);
COMMENT ON TABLE divergence IS
    'The divergences of two conditions: one row per response position x comparison. Where lists of the likeliest '
    'tokens are all that is known of a condition, each has bounds that hold whatever the rest is, and its value is '
    'NULL unless '
    'they are equal.';
COMMENT ON COLUMN divergence.jaccard_10 IS
    'Jaccard index of both conditions'' first ten candidates where the lists are in the shards (output.lists); else '
    'NULL: see tds.';
COMMENT ON COLUMN divergence.kl_aligned_base IS
    'KL(aligned‖base) = Σ p_aligned ln(p_aligned/p_base), full vocabulary, nats; infinite where the base rules out a '
    'token that the aligned model does not.';
COMMENT ON COLUMN divergence.kl_base_aligned IS
    'KL(base‖aligned) = Σ p_base ln(p_base/p_aligned), full vocabulary, nats; infinite where the aligned model rules '
    'out a token that the base does not.';
COMMENT ON COLUMN divergence.js IS
    'Jensen-Shannon divergence, ½KL(aligned‖m) + ½KL(base‖m), m the mean of both; nats, at most ln 2.';
COMMENT ON COLUMN divergence.clamped IS
    'The most by which rounding had put one of the three outside of its range (KL from 0, JS from 0 to ln 2) before it '
    'was put back, nats; mostly 0. NULL where lists bound them only.';
COMMENT ON COLUMN divergence.kl_aligned_base_lower IS
    'What KL(aligned‖base) is at least, nats: the value itself where it is exact.';
COMMENT ON COLUMN divergence.kl_aligned_base_upper IS
    'What KL(aligned‖base) is at most, nats: the value itself where it is exact; NULL where nothing bounds it.';
COMMENT ON COLUMN divergence.kl_base_aligned_lower IS
    'What KL(base‖aligned) is at least, nats: the value itself where it is exact.';
COMMENT ON COLUMN divergence.kl_base_aligned_upper IS
    'What KL(base‖aligned) is at most, nats: the value itself where it is exact; NULL where nothing bounds it.';
COMMENT ON COLUMN divergence.js_lower IS
    'What the Jensen-Shannon divergence is at least, nats: the value itself where it is exact.';
COMMENT ON COLUMN divergence.js_upper IS
    'What the Jensen-Shannon divergence is at most, nats: the value itself where it is exact; NULL where nothing '
    'bounds '
    'it.';

CREATE TABLE prefill (
    comparison_id        VARCHAR NOT NULL,
    prompt_id            VARCHAR NOT NULL,
    k                    INTEGER NOT NULL,
    prefix               VARCHAR NOT NULL,
    said                 VARCHAR NOT NULL,
    refuses              BOOLEAN NOT NULL,
    opening              VARCHAR,
    opening_logprob      FLOAT,
    base_opening_logprob FLOAT,
    opening_likeliest    BOOLEAN
);
COMMENT ON TABLE prefill IS
    'How deep a refusal is: the aligned model continues from the first k tokens of the base model''s answer to a '
    'harmful prompt. One row per comparison x harmful prompt x k.';
COMMENT ON COLUMN prefill.comparison_id        IS 'The comparison whose two conditions these are; see comparison.';
COMMENT ON COLUMN prefill.prompt_id            IS 'The harmful prompt; see prompt.';
COMMENT ON COLUMN prefill.k IS
    'How many tokens of the base''s greedy answer the aligned model continues from, 0 or more.';
COMMENT ON COLUMN prefill.prefix               IS 'Those tokens as text.';
COMMENT ON COLUMN prefill.said                 IS 'The aligned model''s greedy continuation.';
COMMENT ON COLUMN prefill.refuses              IS 'Whether that continuation contains a phrase of the role safety.';
COMMENT ON COLUMN prefill.opening IS
    'The first tokens of the aligned model''s own refusal of this prompt; NULL where it does not refuse at k = 0.';
COMMENT ON COLUMN prefill.opening_logprob IS
    'ln of the probability that the aligned model gives this opening after the k tokens, nats; NULL where it does not '
    'refuse at k = 0.';
COMMENT ON COLUMN prefill.base_opening_logprob IS 'The same for the base model in its own context, nats.';
COMMENT ON COLUMN prefill.opening_likeliest IS
    'Whether each token of the opening is the aligned model''s first choice there.';

CREATE TABLE swap (
    comparison_id  VARCHAR NOT NULL,
    prompt_id      VARCHAR NOT NULL,
    method         VARCHAR NOT NULL,
    share          DOUBLE  NOT NULL,
    n_tokens       INTEGER NOT NULL,
    n_swapped      INTEGER NOT NULL,
    n_changed      INTEGER NOT NULL,
    finish         VARCHAR NOT NULL,
    text           VARCHAR NOT NULL,
    is_right       BOOLEAN,
    refuses        BOOLEAN NOT NULL,
    style_share    DOUBLE  NOT NULL
);
COMMENT ON TABLE swap IS
    'Token swap: the base model decodes greedily, and at a share of the positions the aligned model''s first choice is'
    ' inserted. One row per comparison x prompt x method x share.';
COMMENT ON COLUMN swap.comparison_id IS 'The comparison whose two conditions these are; see comparison.';
COMMENT ON COLUMN swap.method IS
    'Which positions: divergence (largest JS of the two models), entropy (largest entropy of the base), random.';
COMMENT ON COLUMN swap.share IS
    'The target share of positions; 0 is the base model alone, 1 the aligned model alone.';
COMMENT ON COLUMN swap.n_tokens      IS 'Number of tokens of the text, the end token included.';
COMMENT ON COLUMN swap.n_swapped     IS 'At how many of them the aligned model''s choice was taken.';
COMMENT ON COLUMN swap.n_changed     IS 'At how many of these it differed from the base''s choice.';
COMMENT ON COLUMN swap.finish        IS 'stop: the end token was reached; length: cut at the limit.';
COMMENT ON COLUMN swap.text          IS 'The text generated.';
COMMENT ON COLUMN swap.is_right      IS 'Whether the text states a truth of the prompt; NULL where none is known.';
COMMENT ON COLUMN swap.refuses       IS 'Whether the text contains a phrase of the role safety.';
COMMENT ON COLUMN swap.style_share   IS 'Share of its characters within phrases of the role style.';

CREATE TABLE continuation (
    comparison_id VARCHAR NOT NULL,
    response_id   VARCHAR NOT NULL,
    pos           INTEGER NOT NULL,
    text          VARCHAR NOT NULL,
    ends          BOOLEAN NOT NULL
);
COMMENT ON TABLE continuation IS
    'The base condition''s greedy continuation from a shifted position.';
COMMENT ON COLUMN continuation.pos IS
    'The shifted position, whose token the continuation replaces; see position.';
COMMENT ON COLUMN continuation.text          IS 'The base''s next tokens as text.';
COMMENT ON COLUMN continuation.ends          IS 'Whether the base''s end token is the last of them.';

CREATE TABLE token (
    tokenizer_id  VARCHAR NOT NULL,
    token_id      INTEGER NOT NULL,
    text          VARCHAR,
    decoded       VARCHAR,
    is_word_start BOOLEAN NOT NULL,
    is_special    BOOLEAN NOT NULL
);
COMMENT ON TABLE  token               IS 'The vocabulary.';
COMMENT ON COLUMN token.tokenizer_id  IS 'Content hash of the vocabulary.';
COMMENT ON COLUMN token.token_id      IS 'Id of the token.';
COMMENT ON COLUMN token.text IS
    'The token''s text, leading space kept; bytes that do not form a whole character as \xNN; NULL for an id that the '
    'tokenizer does not have.';
COMMENT ON COLUMN token.decoded IS
    'The result of decoding this id alone: the strings that AlignTDS compares. Several ids may share one.';
COMMENT ON COLUMN token.is_word_start IS 'Whether the token begins with white space, i.e. starts a word.';
COMMENT ON COLUMN token.is_special    IS 'Whether it is a special token.';

CREATE TABLE run (
    key   VARCHAR PRIMARY KEY,
    value VARCHAR NOT NULL
);
COMMENT ON TABLE  run       IS 'Provenance: versions, device, settings, timings.';
COMMENT ON COLUMN run.key   IS 'What is recorded, e.g. torch_version, device, report_config, seconds_scoring.';
COMMENT ON COLUMN run.value IS 'Its value as text.';
