"""A model in memory beside its base, over one text: what an example page shows, without a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tds_atlas.domain import InputError
from tds_atlas.pipeline.ask import scored_tokens, token_texts
from tds_atlas.python.answer import Answer

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def token_shift(
    model: PreTrainedModel | Any,
    tokenizer: PreTrainedTokenizerBase,
    base: PreTrainedModel | Any | None = None,
    text: str | None = None,
    *,
    prompt: str | list[dict[str, Any]] | None = None,
    answer: str | None = None,
) -> Answer:
    """How the base ranks the tokens of a text, and how far the two models are apart at each of them.

    Both models read the same ids, those of the one fast tokenizer, on whatever devices they are. Nothing changes in
    them: training mode, gradients and torch's random numbers are as before afterwards.

    base: None compares the model with itself, its PEFT adapter switched off. text: all of it is scored but its first
    token; special tokens in it are tokens. prompt and answer, instead: a text, word for word, or messages for the chat
    template, and what is scored behind it. Returns an Answer with n tokens: `.shifted_share` (0 to 1), `.kl` and `.js`
    (means, in nats), `.tokens`, `.rows`. Raises InputError, one line.

    >>> import tds_atlas as tds
    >>> from transformers import AutoModelForCausalLM, AutoTokenizer
    >>> base = AutoModelForCausalLM.from_pretrained("data/pocket/base")
    >>> model = AutoModelForCausalLM.from_pretrained("data/pocket/sft")
    >>> tokenizer = AutoTokenizer.from_pretrained("data/pocket/sft")
    >>> shift = tds.token_shift(model, tokenizer, base, "Thank you for asking! I hope this helps.")
    >>> len(shift.tokens), f"{shift.shifted_share:.0%}", f"{shift.kl:.1f} nats"
    (10, '30%', '0.2 nats')
    >>> [token.text for token in shift.tokens if token.shift == "shifted"]
    ['Thank', ' I', '.']
    """
    from tds_atlas.measure.in_memory import PAIR, read_answer, read_text, score_pair

    if (text is None) == (prompt is None and answer is None) or (prompt is None) != (answer is None):
        raise InputError("token_shift: give either text, or both prompt and answer")
    if text is not None:
        ids, response = read_text(tokenizer, text)
    else:
        ids, response = read_answer(tokenizer, prompt, answer or "")
    ((scores, divergence),) = score_pair(base, model, [(ids, response)])
    names = token_texts(tokenizer)
    tokens = tuple(scored_tokens(PAIR, response, scores, divergence, names))
    asked = prompt if isinstance(prompt, str) else prompt[-1].get("content", "") if prompt else ""
    return Answer(str(asked), PAIR.comparison_id, "base", "tuned", response.text, response.finish, tokens)
