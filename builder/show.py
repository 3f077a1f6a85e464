"""One prompt, asked and scored on the spot: what `tds show` prints. Nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.text import Text

from builder.domain import Comparison, InputError, Prompt, Response, printable
from builder.frames import frame_of
from builder.plan import Plan

if TYPE_CHECKING:
    from builder.measure.models import Models

STYLES = {"unshifted": "", "marginal": "yellow", "shifted": "bold red underline"}
MARKS = {"unshifted": ("", ""), "marginal": ("‹", "›"), "shifted": ("«", "»")}  # where there is no colour
MEANING = {"unshifted": "the base's first choice", "marginal": "its second or third", "shifted": "lower"}


@dataclass(frozen=True)
class ShownToken:
    """One position as both conditions see it; probabilities as natural logarithms, divergences in nats."""

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
    kl_aligned_base: float
    kl_base_aligned: float
    js: float


@dataclass(frozen=True)
class Shown:
    """An answer with every position of it."""

    prompt: str
    comparison: str
    base: str
    aligned: str
    answer: str
    finish: str
    tokens: tuple[ShownToken, ...]

    @property
    def shares(self) -> dict[str, float]:
        count = {name: sum(t.shift == name for t in self.tokens) for name in STYLES}
        return {name: n / len(self.tokens) for name, n in count.items()}

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"shares": self.shares}


def ask(plan: Plan, models: Callable[[], Models], text: str, comparison_id: str | None) -> Shown:
    """The aligned condition's greedy answer to a prompt, scored by both sides of a comparison (default: the first)."""
    from builder.measure.generate import generate
    from builder.measure.score import Scorer

    comparison = _comparison(plan, comparison_id)
    sides = list(dict.fromkeys((comparison.base, comparison.aligned)))
    loaded = {c: models().model(plan.checkpoints[c.model_id]) for c in sides}
    frames = {c: frame_of(plan, models(), c) for c in sides}
    prompt, settings = Prompt("shown", text, "terminal"), plan.report.generate
    aligned = comparison.aligned
    (response,) = generate(loaded[aligned], frames[aligned], aligned, [prompt], settings.max_new_tokens)
    scoring = plan.report.score
    scorer = Scorer(loaded, [comparison], scoring.top_k, scoring.batch_tokens, scoring.chunk_logits)
    heads = {response.response_id: {c: frame.prompt_ids(text) for c, frame in frames.items()}}
    ((scores, (far,)),) = scorer.score([response], heads)
    tokens = _tokens(models(), plan, comparison, response, {s.condition_id: s for s in scores}, far)
    conditions = (comparison.base.condition_id, aligned.condition_id)
    return Shown(text, comparison.comparison_id, *conditions, response.text, response.finish, tuple(tokens))


def render(shown: Shown, width: int, colour: bool) -> Text:
    """The answer in lines of at most `width` cells, the base's choice above each shifted token, and a legend."""
    text = Text()
    for above, below in _lines(shown, width, colour):
        above.rstrip()
        if above.plain:
            text.append_text(above).append("\n")
        text.append_text(below).append("\n")
    text.append("\n")
    for name, share in shown.shares.items():
        opening, closing = ("", "") if colour else MARKS[name]
        text.append(f"{opening}{name}{closing}", STYLES[name] if colour else "")
        text.append(f" {100 * share:.1f} %  {MEANING[name]}\n")
    text.append(f"{len(shown.tokens)} tokens; {shown.base} against {shown.aligned}", "dim")
    text.append("; above a shifted token: what the base would say" if shown.shares["shifted"] else "", "dim")
    return text


def _comparison(plan: Plan, wanted: str | None) -> Comparison:
    known = {c.comparison_id: c for c in plan.report.measured if c.kind == "tuning"}
    if wanted is not None and wanted not in known:
        raise InputError(f"--comparison {wanted}: not in {plan.path}; known: {', '.join(known)}")
    return known[wanted] if wanted else next(iter(known.values()))


def _tokens(
    models: Models, plan: Plan, comparison: Comparison, response: Response, scores: dict[str, Any], far: Any
) -> Iterator[ShownToken]:
    from builder.measure.decode import vocabulary

    base, aligned = scores[comparison.base.condition_id], scores[comparison.aligned.condition_id]
    checkpoint = plan.checkpoints[comparison.aligned.model_id]
    words = {t.token_id: t.text or f"<{t.token_id}>" for t in vocabulary(models.tokenizer(checkpoint), "", 0)}
    for i, (token, (start, end)) in enumerate(zip(response.token_ids, response.spans, strict=True)):
        rank = int(base.rank[i])
        yield ShownToken(
            i,
            token,
            response.text[start:end],
            response.has_end and i + 1 == len(response.token_ids),
            "unshifted" if rank == 1 else "marginal" if rank <= 3 else "shifted",
            rank,
            int(aligned.rank[i]),
            float(base.logprob[i]),
            float(aligned.logprob[i]),
            words.get(int(base.top_ids[i, 0]), "?"),
            words.get(int(aligned.top_ids[i, 0]), "?"),
            float(far.kl_aligned_base[i]),
            float(far.kl_base_aligned[i]),
            float(far.js[i]),
        )


def _lines(shown: Shown, width: int, colour: bool) -> Iterator[tuple[Text, Text]]:
    """Pairs of lines: above, the base's choices; below, the answer."""
    above, below = Text(), Text()
    for token in shown.tokens:
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
    """A token as one mark in a line: spaces and control characters written out."""
    return printable(text.strip(" ").replace("\n", "\\n")) or "␣"
