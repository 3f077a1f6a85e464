"""One prompt, answered and scored at once: what `tds show` prints. Nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.text import Text

from tds_atlas.domain import (
    Comparison,
    Divergence,
    InputError,
    Prompt,
    Response,
    Score,
    printable,
    shift_class,
    text_fault,
)
from tds_atlas.pipeline.plan import Plan
from tds_atlas.pipeline.sides import side_of
from tds_atlas.pipeline.tokenizers import Tokenizers

if TYPE_CHECKING:
    from tds_atlas.measure.engines.models import Models

STYLES = {"unshifted": "", "marginal": "yellow", "shifted": "bold red underline"}
MARKS = {"unshifted": ("", ""), "marginal": ("‹", "›"), "shifted": ("«", "»")}  # where there is no colour
MEANING = {"unshifted": "the base's first choice", "marginal": "its second or third", "shifted": "lower"}


@dataclass(frozen=True)
class ScoredToken:
    """One position under both conditions; probabilities as natural logarithms, divergences in nats."""

    pos: int
    token_id: int
    text: str
    is_end: bool
    shift: str
    base_rank: int
    aligned_rank: int
    base_logprob: float
    aligned_logprob: float
    base_top: str
    aligned_top: str
    kl_aligned_base: float | None  # None: lists bound it only
    kl_base_aligned: float | None
    js: float | None
    js_lower: float | None = None
    js_upper: float | None = None


@dataclass(frozen=True)
class ScoredAnswer:
    """An answer with all its positions."""

    prompt: str
    comparison: str
    base: str
    aligned: str
    answer: str
    finish: str
    tokens: tuple[ScoredToken, ...]

    @property
    def shares(self) -> dict[str, float]:
        count = {name: sum(t.shift == name for t in self.tokens) for name in STYLES}
        return {name: n / len(self.tokens) for name, n in count.items()}

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"shares": self.shares}


def ask(plan: Plan, models: Callable[[], Models], text: str, comparison_id: str | None) -> ScoredAnswer:
    """The aligned condition's greedy answer to a prompt, scored by both sides of a comparison (default: the first)."""
    from tds_atlas.measure.generate import generate
    from tds_atlas.measure.score import Scorer

    if not text or text_fault(text):
        raise InputError(f"the prompt {text_fault(text) or 'is empty; ask something'}")
    comparison, settings = _comparison(plan, comparison_id), plan.report.score
    retold = Tokenizers.of(plan, models()).retold()
    if comparison.comparison_id in retold:
        problem = f"comparison {comparison.comparison_id}: {retold[comparison.comparison_id]}"
        raise InputError(f"{plan.path}: {problem}; `tds show` needs one vocabulary: name another with --comparison")
    conditions = dict.fromkeys((comparison.base, comparison.aligned))
    sides = {c: side_of(plan, models(), c) for c in conditions}
    prompt, answering = Prompt("shown", text, "terminal"), sides[comparison.aligned]
    (response,) = generate(answering, [prompt], plan.report.generate.max_new_tokens)
    scorer = Scorer(list(sides.values()), [comparison], settings.top_k, settings.batch_tokens, settings.chunk_logits)
    ((scores, (divergence,)),) = scorer.score([response], scorer.prompt_ids({response.response_id: prompt}))
    by_condition = {s.condition_id: s for s in scores}
    names = token_texts(answering.frame.tokenizer)
    tokens = tuple(scored_tokens(comparison, response, by_condition, divergence, names))
    base_id, aligned_id = comparison.base.condition_id, comparison.aligned.condition_id
    return ScoredAnswer(text, comparison.comparison_id, base_id, aligned_id, response.text, response.finish, tokens)


def render(answer: ScoredAnswer, width: int, colour: bool) -> Text:
    """The answer in lines of at most `width` cells, the base's choice above each shifted token, and a legend."""
    text = Text()
    for above, below in _lines(answer, width, colour):
        above.rstrip()
        if above.plain:
            text.append_text(above).append("\n")
        text.append_text(below).append("\n")
    text.append("\n")
    for name, share in answer.shares.items():
        opening, closing = ("", "") if colour else MARKS[name]
        text.append(f"{opening}{name}{closing}", STYLES[name] if colour else "")
        text.append(f" {100 * share:.1f} %  {MEANING[name]}\n")
    text.append(f"{len(answer.tokens)} tokens; {answer.base} against {answer.aligned}", "dim")
    text.append("; above a shifted token: what the base would say" if answer.shares["shifted"] else "", "dim")
    return text


def _comparison(plan: Plan, comparison_id: str | None) -> Comparison:
    comparisons = {c.comparison_id: c for c in plan.report.all_comparisons if c.kind == "tuning"}
    if not comparisons:
        raise InputError(f"{plan.path}: no comparison to score an answer by; give comparisons")
    if comparison_id is not None and comparison_id not in comparisons:
        raise InputError(f"--comparison {comparison_id}: not in {plan.path}; known: {', '.join(comparisons)}")
    return comparisons[comparison_id] if comparison_id else next(iter(comparisons.values()))


def token_texts(tokenizer: Any) -> dict[int, str]:
    """The text of every id, to show candidates by."""
    from tds_atlas.measure.decode import vocabulary

    return {t.token_id: t.text or f"<{t.token_id}>" for t in vocabulary(tokenizer, "", 0)}


def scored_tokens(
    comparison: Comparison,
    response: Response,
    scores: Mapping[str, Score],
    divergence: Divergence,
    names: Mapping[int, str],
) -> Iterator[ScoredToken]:
    """The positions of a response under both sides of a comparison."""
    base, aligned = scores[comparison.base.condition_id], scores[comparison.aligned.condition_id]
    for i, (token, (start, end)) in enumerate(zip(response.token_ids, response.spans, strict=True)):
        rank = int(base.rank[i])
        yield ScoredToken(
            i,
            token,
            response.text[start:end],
            response.has_end and i + 1 == len(response.token_ids),
            shift_class(rank),
            rank,
            int(aligned.rank[i]),
            float(base.logprob[i]),
            float(aligned.logprob[i]),
            names.get(int(base.top_ids[i, 0]), "?"),
            names.get(int(aligned.top_ids[i, 0]), "?"),
            _known(divergence.kl_aligned_base[i]),
            _known(divergence.kl_base_aligned[i]),
            _known(divergence.js[i]),
            float((divergence.js if divergence.js_lower is None else divergence.js_lower)[i]),
            float((divergence.js if divergence.js_upper is None else divergence.js_upper)[i]),
        )


def _known(value: float) -> float | None:
    """None for what lists bound only: JSON has no NaN."""
    return None if value != value else float(value)


def _lines(answer: ScoredAnswer, width: int, colour: bool) -> Iterator[tuple[Text, Text]]:
    """Pairs of lines: the base's choices above, the answer below."""
    above, below = Text(), Text()
    for token in answer.tokens:
        for k, piece in enumerate(("[end]" if token.is_end else token.text).split("\n")):
            if k:
                yield above, below
                above, below = Text(), Text()
            word = printable(piece.lstrip(" "))
            gap = piece[: len(piece) - len(piece.lstrip(" "))]
            if word and not colour:
                word = word.join(MARKS[token.shift])
            over = _visible(token.base_top) if token.shift == "shifted" and k == 0 else ""
            room = len(gap) + max(cell_len(word), cell_len(over) + 1 if over else 0)
            if below.plain and cell_len(below.plain) + room > width:
                yield above, below
                above, below, gap = Text(), Text(), ""
            below.append(gap)
            above.append(" " * (cell_len(below.plain) - cell_len(above.plain)) + over, "dim")
            below.append(word, STYLES[token.shift] if colour else "")
            below.append(" " * max(0, cell_len(above.plain) + bool(over) - cell_len(below.plain)))
    yield above, below


def _visible(text: str) -> str:
    """A token within a line: control characters escaped, spaces alone as a symbol."""
    return printable(text.strip(" ").replace("\n", "\\n")) or "␣"
