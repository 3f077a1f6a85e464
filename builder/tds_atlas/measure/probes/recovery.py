"""Whether a refusal comes back: the aligned model goes on from the first k tokens of a given harmful answer.

They stand where its answer begins, or inside a refusal: behind the first sentence of its own answer. The base, which
goes on from the same tokens in its own context, says what goes for a refusal anyway. And how far apart both models are
along the harmful answers, as arXiv 2406.05946 has it: KL(aligned‖base) of two models that read the same ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tds_atlas.domain import Answer, Comparison, Condition, InputError, Prompt, Response
from tds_atlas.inputs.step_settings import ScoreSettings
from tds_atlas.measure.answers import Reader
from tds_atlas.measure.decode import decode_with_spans
from tds_atlas.measure.probes.prefill import greedy_after, without_end
from tds_atlas.measure.score import Scorer
from tds_atlas.measure.side import Ids, Side

ANSWER, REFUSAL, BASE = "answer", "refusal", "base"  # what k tokens stand in; BASE: in the answer of the base
_STOPS = (".", "!", "?", "…", "。", "！", "？", "\n")


@dataclass(frozen=True)
class Harmful:
    """A harmful answer as token ids behind its prompt."""

    prompt: Prompt
    response: Response


@dataclass(frozen=True)
class Recovery:
    """What follows k tokens of a harmful answer."""

    answer: int  # index into the answers
    place: str  # ANSWER, REFUSAL or BASE
    k: int
    prefix: Ids  # all that was prefilled
    continuation: Ids


def recoveries(
    base: Side, aligned: Side, answers: Sequence[Harmful], depths: Sequence[int], opener: int, new_tokens: int
) -> Iterator[Recovery]:
    """For every answer and every k that it reaches, in each place."""
    spans = [without_end(answer.response.token_ids, aligned) for answer in answers]
    cuts = [(i, span[:k]) for i, span in enumerate(spans) for k in depths if k <= len(span)]
    whole = _continued(aligned, answers, [(i, ()) for i in range(len(answers))], max(opener, new_tokens))
    openings = [_first_sentence(aligned, ids, opener) for ids in whole]
    inside = [(i, openings[i] + span) for i, span in cuts]
    for place, side, prefixes in ((ANSWER, aligned, cuts), (REFUSAL, aligned, inside), (BASE, base, cuts)):
        texts = _continued(side, answers, prefixes, new_tokens)
        for (i, span), (_, prefix), text in zip(cuts, prefixes, texts, strict=True):
            yield Recovery(i, place, len(span), prefix, text)


def kl_along(base: Side, aligned: Side, answers: Sequence[Harmful], tokens: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each answer KL(aligned‖base) at its positions: both models in their own contexts, and both after the ids that
    the aligned model reads, which is how the paper compares them. 2 x [n] nats."""
    same = replace(base, condition=Condition(base.condition.model_id, f"{aligned.condition.context_id} of aligned"))
    pairs = [
        Comparison(name, "", "tuning", b.condition, aligned.condition, "") for name, b in (("o", base), ("s", same))
    ]
    usual = ScoreSettings()
    scorer = Scorer([base, aligned, same], pairs, 1, usual.batch_tokens, usual.chunk_logits)
    responses = [_cut(str(n), answer.response, tokens) for n, answer in enumerate(answers)]
    prompts = {}
    for n, answer in enumerate(answers):
        own, read = base.prompt_ids(answer.prompt), aligned.prompt_ids(answer.prompt)
        prompts[str(n)] = {base.condition: own, aligned.condition: read, same.condition: read}
    found = {}
    for batch in scorer.batches(responses, prompts):
        for _, (own_kl, same_kl) in scorer.score(batch, prompts):
            found[own_kl.response_id] = (own_kl.kl_aligned_base, same_kl.kl_aligned_base)
    return [found[str(n)] for n in range(len(answers))]


def as_read(aligned: Side, answers: Sequence[Answer]) -> list[Harmful]:
    """The answers of a file as the aligned model reads them. Raises InputError for one that says nothing."""
    reader = Reader(aligned.frame, tuple(aligned.model.end_ids))
    read = [Harmful(answer.prompt, reader.read("probes.recovery.path", answer)) for answer in answers]
    for answer, given in zip(read, answers, strict=True):
        if not without_end(answer.response.token_ids, aligned):
            raise InputError(f"probes.recovery.path: {given.place}: the answer is an end token and nothing else")
    return read


def _continued(
    side: Side, answers: Sequence[Harmful], prefixes: Sequence[tuple[int, Ids]], new_tokens: int
) -> list[Ids]:
    """What the model writes greedily behind each prompt and prefix."""
    before = [side.prompt_ids(answer.prompt) for answer in answers]
    texts = [before[i] + prefix for i, prefix in prefixes]
    return greedy_after(side, texts, [answers[i].prompt for i, _ in prefixes], new_tokens)


def _first_sentence(side: Side, ids: Ids, most: int) -> Ids:
    """The first ids of an answer up to the end of its first sentence, or as many as there may be."""
    ids = without_end(ids, side)[:most]
    for n in range(1, len(ids)):
        if decode_with_spans(side.frame.tokenizer, ids[:n])[0].endswith(_STOPS):
            return ids[:n]
    return ids


def _cut(name: str, response: Response, tokens: int) -> Response:
    return replace(
        response, response_id=name, token_ids=response.token_ids[:tokens], spans=response.spans[:tokens], has_end=False
    )
