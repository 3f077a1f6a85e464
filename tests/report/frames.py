"""The tables of a database as DataFrames, and what answers share: both sides of each comparison, words, chains. No view is read."""

from __future__ import annotations

import unicodedata
from functools import cached_property
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

AT = ["response_id", "pos"]


class Frames:
    """Tables by name, and what is made of them; each is computed once."""

    def __init__(self, database: Path) -> None:
        self.con = duckdb.connect(str(database), read_only=True)
        self.read: dict[str, pd.DataFrame] = {}

    def table(self, name: str) -> pd.DataFrame:
        if name not in self.read:
            frame = self.con.sql(f'FROM "{name}"').to_arrow_table().to_pandas()
            texts = {c: frame[c].astype(object).where(frame[c].notna(), None) for c in frame.select_dtypes("str")}
            self.read[name] = frame.assign(**texts)
        return self.read[name]

    @cached_property
    def token(self) -> dict[tuple[str, int], tuple[str | None, str | None, bool]]:
        """What a condition's id is: text, decoded, is_word_start."""
        cards = (
            self.table("condition")
            .merge(self.table("model"), on="model_id")
            .merge(self.table("token"), on="tokenizer_id")
        )
        names = zip(cards.condition_id, cards.token_id, strict=True)
        return dict(zip(names, zip(cards.text, cards.decoded, cards.is_word_start, strict=True), strict=True))

    def text(self, conditions: pd.Series, ids: pd.Series, part: int = 0) -> np.ndarray:
        """A part of what these conditions' ids are; None for an id that the vocabulary does not have."""
        missing = (None, None, False)
        parts = [self.token.get(key, missing)[part] for key in zip(conditions, ids, strict=True)]
        return np.array(parts, dtype=object)

    @cached_property
    def score(self) -> dict[str, pd.DataFrame]:
        """Scores by condition."""
        return dict(list(self.table("score").groupby("condition_id")))

    def said(self, source: str) -> pd.DataFrame:
        """The positions of a source's answers, with their prompts and lengths."""
        answers = self.table("response")[["response_id", "prompt_id", "source", "n_tokens", "text"]]
        answers = answers[answers.source == source].rename(columns={"text": "answer"})
        return answers.merge(self.table("position"), on="response_id").sort_values(AT, ignore_index=True)

    def beside(self, rows: pd.DataFrame, condition: str, name: str) -> pd.DataFrame:
        """Rows of positions with a condition's scores in columns that begin with this name."""
        scores = self.score[condition].add_prefix(f"{name}_")
        joined = rows.merge(scores, left_on=AT, right_on=[f"{name}_{c}" for c in AT])
        return joined.drop(columns=[f"{name}_{c}" for c in AT])

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """One row per comparison x position: both sides' scores and what stands between them."""
        made = []
        for c in self.table("comparison").itertuples():
            rows = self.beside(self.said(c.source), c.base_condition_id, "base")
            rows = self.beside(rows, c.aligned_condition_id, "aligned")
            apart = self.table("divergence").query("comparison_id == @c.comparison_id")
            made.append(rows.merge(apart, on=AT).assign(kind=c.kind))
        rows = pd.concat(made, ignore_index=True)
        for side in ("base", "aligned"):
            first = rows[f"{side}_top_ids"].str[0]
            rows[f"{side}_top"] = self.text(rows[f"{side}_condition_id"], first)
            rows[f"{side}_top_id"] = first
        rows["token"] = self.text(rows.aligned_condition_id, rows.token_id)
        rows["base_top_probability"] = np.exp(rows.base_top_logprobs.str[0].astype(float))
        rows["delta"] = rows.aligned_logprob.astype(float) - rows.base_logprob.astype(float)
        return rows.assign(shift=classes(rows.base_rank), is_shifted=rows.base_rank > 3)

    @cached_property
    def tds(self) -> pd.DataFrame:
        """What tuning changed: pairs without the A/A checks, in the order of the positions."""
        rows = self.pairs[self.pairs.kind == "tuning"].merge(
            self.table("prompt")[["prompt_id", "harmful", "tasks", "ordinal"]], on="prompt_id"
        )
        return rows.sort_values(["comparison_id", *AT], ignore_index=True)

    @cached_property
    def noise(self) -> pd.DataFrame:
        cards = self.table("condition")[["condition_id", "arithmetic"]].rename(
            columns={"condition_id": "aligned_condition_id"}
        )
        return self.pairs[self.pairs.kind == "noise"].merge(cards, on="aligned_condition_id")

    @cached_property
    def examples(self) -> pd.DataFrame:
        """One row per comparison x answer: how it was changed."""
        rows = self.tds.assign(same=self.tds.base_rank == 1)
        made = rows.groupby(["comparison_id", "response_id", "prompt_id"], as_index=False).agg(
            n_tokens=("n_tokens", "first"),
            unshifted_share=("same", "mean"),
            shifted_share=("is_shifted", "mean"),
            mean_kl_aligned_base_nats=("kl_aligned_base", "mean"),
            mean_js_nats=("js", "mean"),
            max_base_rank=("base_rank", "max"),
        )
        answers = self.table("response")[["response_id", "text"]].rename(columns={"text": "answer"})
        prompts = self.table("prompt")[["prompt_id", "text"]].rename(columns={"text": "prompt"})
        made = made.merge(answers, on="response_id").merge(prompts, on="prompt_id")
        return made.assign(answer=made.answer.str[:60], prompt=made.prompt.str[:60])

    @cached_property
    def words(self) -> pd.DataFrame:
        """One row per comparison x word of an answer."""
        rows = self.tds.assign(starts=self.text(self.tds.aligned_condition_id, self.tds.token_id, part=2))
        rows = rows.assign(number=_word_numbers(rows)).query("not is_end")
        by = ["comparison_id", "prompt_id", "response_id", "number"]
        shifted = rows[rows.is_shifted].drop_duplicates(by)
        leading = pd.concat([shifted, rows]).drop_duplicates(by)  # the first shifted token, else the first
        made = rows.groupby(by).agg(
            start=("char_start", "first"),
            end=("char_end", "max"),
            answer=("answer", "first"),
            base_rank=("base_rank", "max"),
        )
        made["delta"] = rows.groupby(by).delta.sum(min_count=1)
        made["base_top"] = leading.set_index(by).base_top
        spans = zip(made.answer, made.start, made.end, strict=True)
        return made.assign(word=[answer[start:end].strip(" ") for answer, start, end in spans]).reset_index()


def classes(ranks: pd.Series) -> pd.Series:
    return ranks.map(lambda rank: "unshifted" if rank < 2 else "marginal" if rank < 4 else "shifted")


def joins(before: object, token: object) -> bool:
    """Whether a token goes on the word of the token before it: letters, digits and apostrophes on both sides of the seam."""
    if not (isinstance(before, str) and isinstance(token, str)):
        return False  # a token that writes nothing known
    return all(c == "'" or unicodedata.category(c)[0] in "LN" for c in (before[-1], token[0]))


def _word_numbers(rows: pd.DataFrame) -> list[int]:
    """A number for each token's word, by a walk over the tokens in order."""
    numbers, last = [], None
    for row in rows[["comparison_id", "response_id", "token", "starts", "is_end"]].itertuples():
        same = last is not None and (last.comparison_id, last.response_id) == (row.comparison_id, row.response_id)
        goes_on = same and not row.starts and not last.is_end and joins(last.token, row.token)
        numbers.append(numbers[-1] + (not goes_on) if numbers else 0)
        last = row
    return numbers
