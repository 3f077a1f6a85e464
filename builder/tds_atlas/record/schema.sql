-- The records: what the models said. The views (views.sql) derive what it means. What each table and column holds is in
-- comments.yml.

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

CREATE TABLE series_step (
    series        VARCHAR NOT NULL,
    ordinal       INTEGER NOT NULL,
    step          BIGINT NOT NULL,
    model_id      VARCHAR NOT NULL,
    answers       VARCHAR NOT NULL,
    comparison_id VARCHAR NOT NULL,
    outside       VARCHAR
);

CREATE TABLE control (
    comparison_id VARCHAR NOT NULL,
    kind          VARCHAR NOT NULL,
    planted       VARCHAR,
    prompt_id     VARCHAR
);

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

CREATE TABLE turn (
    prompt_id VARCHAR NOT NULL,
    number    INTEGER NOT NULL,
    speaker   VARCHAR NOT NULL,
    text      VARCHAR NOT NULL,
    more      VARCHAR,
    PRIMARY KEY (prompt_id, number)
);

CREATE TABLE reading (
    condition_id VARCHAR NOT NULL,
    prompt_id    VARCHAR NOT NULL,
    text         VARCHAR NOT NULL,
    special      INTEGER[] NOT NULL,
    PRIMARY KEY (condition_id, prompt_id)
);

CREATE TABLE response (
    response_id  VARCHAR PRIMARY KEY,
    prompt_id    VARCHAR NOT NULL,
    source       VARCHAR NOT NULL,
    condition_id VARCHAR,
    text         VARCHAR NOT NULL,
    n_tokens     INTEGER NOT NULL,
    finish       VARCHAR NOT NULL,
    boundary     BOOLEAN NOT NULL,
    sample       VARCHAR,
    temperature  DOUBLE,
    repetition_penalty DOUBLE,
    top_k        INTEGER,
    top_p        DOUBLE,
    min_p        DOUBLE,
    seed         BIGINT
);

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

CREATE TABLE retold (
    response_id  VARCHAR NOT NULL,
    pos          INTEGER NOT NULL,
    condition_id VARCHAR NOT NULL,
    token_id     INTEGER NOT NULL,
    byte_start   INTEGER NOT NULL,
    byte_end     INTEGER NOT NULL,
    logprob      FLOAT,
    rank         INTEGER,
    entropy      FLOAT,
    top_id       INTEGER,
    top_logprob  FLOAT
);

CREATE TABLE stretch (
    comparison_id VARCHAR NOT NULL,
    response_id   VARCHAR NOT NULL,
    number        INTEGER NOT NULL,
    char_start    INTEGER NOT NULL,
    char_end      INTEGER NOT NULL,
    byte_start    INTEGER NOT NULL,
    byte_end      INTEGER NOT NULL,
    pos           INTEGER NOT NULL,
    n_tokens      INTEGER NOT NULL,
    base_pos      INTEGER NOT NULL,
    base_n_tokens INTEGER NOT NULL
);

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

CREATE TABLE swap (
    comparison_id  VARCHAR NOT NULL,
    prompt_id      VARCHAR NOT NULL,
    writer         VARCHAR NOT NULL DEFAULT 'base',
    method         VARCHAR NOT NULL,
    share          DOUBLE,
    threshold      DOUBLE,
    sample         INTEGER,
    n_tokens       INTEGER NOT NULL,
    n_swapped      INTEGER NOT NULL,
    n_changed      INTEGER NOT NULL,
    finish         VARCHAR NOT NULL,
    text           VARCHAR NOT NULL,
    is_right       BOOLEAN,
    refuses        BOOLEAN NOT NULL,
    style_share    DOUBLE  NOT NULL
);

CREATE TABLE swap_grade (
    comparison_id  VARCHAR NOT NULL,
    prompt_id      VARCHAR NOT NULL,
    writer         VARCHAR NOT NULL,
    method         VARCHAR NOT NULL,
    share          DOUBLE,
    threshold      DOUBLE,
    sample         INTEGER,
    grader         VARCHAR NOT NULL,
    value          DOUBLE,
    is_yes_or_no   BOOLEAN,
    error          VARCHAR
);

CREATE TABLE continuation (
    comparison_id VARCHAR NOT NULL,
    response_id   VARCHAR NOT NULL,
    pos           INTEGER NOT NULL,
    text          VARCHAR NOT NULL,
    ends          BOOLEAN NOT NULL
);

CREATE TABLE fingerprint (
    comparison_id VARCHAR NOT NULL,
    text_id       VARCHAR NOT NULL,
    number        INTEGER NOT NULL,
    pos           INTEGER NOT NULL,
    text_before   VARCHAR NOT NULL,
    up_ids        INTEGER[] NOT NULL,
    up_nats       FLOAT[] NOT NULL,
    down_ids      INTEGER[] NOT NULL,
    down_nats     FLOAT[] NOT NULL
);

CREATE TABLE recovery (
    comparison_id VARCHAR NOT NULL,
    answer_id     VARCHAR NOT NULL,
    cluster_id    VARCHAR NOT NULL,
    prompt        VARCHAR NOT NULL,
    place         VARCHAR NOT NULL,
    k             INTEGER NOT NULL,
    prefix        VARCHAR NOT NULL,
    said          VARCHAR NOT NULL,
    refuses       BOOLEAN NOT NULL
);

CREATE TABLE amplified (
    comparison_id VARCHAR NOT NULL,
    prompt_id     VARCHAR NOT NULL,
    sample        INTEGER NOT NULL,
    alpha         DOUBLE  NOT NULL,
    n_tokens      INTEGER NOT NULL,
    n_same        INTEGER NOT NULL,
    n_marginal    INTEGER NOT NULL,
    n_shifted     INTEGER NOT NULL,
    logprob       DOUBLE  NOT NULL,
    goes_round    BOOLEAN NOT NULL,
    finish        VARCHAR NOT NULL,
    text          VARCHAR NOT NULL,
    is_right      BOOLEAN,
    refuses       BOOLEAN NOT NULL,
    style_share   DOUBLE  NOT NULL
);

CREATE TABLE harmful_answer (
    comparison_id   VARCHAR NOT NULL,
    answer_id       VARCHAR NOT NULL,
    cluster_id      VARCHAR NOT NULL,
    pos             INTEGER NOT NULL,
    kl_aligned_base FLOAT,
    kl_same_input   FLOAT
);

CREATE TABLE token (
    tokenizer_id  VARCHAR NOT NULL,
    token_id      INTEGER NOT NULL,
    text          VARCHAR,
    decoded       VARCHAR,
    is_word_start BOOLEAN NOT NULL,
    is_special    BOOLEAN NOT NULL
);

CREATE TABLE run (
    key   VARCHAR PRIMARY KEY,
    value VARCHAR NOT NULL
);
