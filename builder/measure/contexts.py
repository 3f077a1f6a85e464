"""A prompt in a context as the token ids before the answer, and an answer's text as the ids that follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builder.config import ContextSettings
from builder.domain import InputError, Spans

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def render(context: ContextSettings, tokenizer: PreTrainedTokenizerFast, prompt: str) -> str:
    """The whole text before the answer, special tokens written out."""
    if context.kind == "plain":
        assert context.template is not None
        return _begin_text(tokenizer) + context.template.replace("{prompt}", prompt)
    if not tokenizer.chat_template:
        raise InputError(f"{tokenizer.name_or_path}: the tokenizer has no chat template; use a context of kind plain")
    messages = [{"role": "system", "content": context.system}] if context.system is not None else []
    messages.append({"role": "user", "content": prompt})
    text: Any = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return str(text)


def prompt_ids(context: ContextSettings, tokenizer: PreTrainedTokenizerFast, prompt: str) -> tuple[int, ...]:
    """The ids before the answer. `render` has written the special tokens out, so none are added here."""
    return tuple(tokenizer(render(context, tokenizer, prompt), add_special_tokens=False)["input_ids"])


def answer_ids(
    context: ContextSettings, tokenizer: PreTrainedTokenizerFast, prompt: str, answer: str
) -> tuple[tuple[int, ...], Spans]:
    """Ids and spans of an answer's text, tokenised jointly with its prompt and split at the prompt's last character.

    Where a token reaches over that boundary, the answer is tokenised apart, so that no character is lost.
    """
    head = render(context, tokenizer, prompt)
    whole = tokenizer(head + answer, add_special_tokens=False, return_offsets_mapping=True)
    pairs = list(zip(whole["input_ids"], whole["offset_mapping"], strict=True))
    if any(start < len(head) < end for _, (start, end) in pairs):
        apart = tokenizer(answer, add_special_tokens=False, return_offsets_mapping=True)
        tail = list(zip(apart["input_ids"], apart["offset_mapping"], strict=True))
    else:
        tail = [(i, (start - len(head), end - len(head))) for i, (start, end) in pairs if end > len(head)]
    return tuple(i for i, _ in tail), _tiled([end for _, (_, end) in tail], len(answer))


def _tiled(ends: list[int], length: int) -> Spans:
    """Spans that tile 0..length. A character of several tokens belongs to the last of them, the others are empty."""
    spans, done = [], 0
    for i, end in enumerate(ends):
        is_last = i + 1 == len(ends)
        shared = not is_last and ends[i + 1] == end
        stop = length if is_last else done if shared else max(done, end)
        spans.append((done, stop))
        done = stop
    return tuple(spans)


def _begin_text(tokenizer: PreTrainedTokenizerFast) -> str:
    """The begin token as text where the tokenizer adds one by itself, else nothing."""
    added = tokenizer("")["input_ids"]
    begins = bool(added) and added[0] == tokenizer.bos_token_id
    return str(tokenizer.bos_token) if begins else ""
