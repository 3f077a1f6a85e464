"""What scoring says of an answer that cannot be scored: one line with the answer, the model and what would help."""

from __future__ import annotations

from collections.abc import Sequence

from tds_atlas.domain import InputError, Response
from tds_atlas.measure.engines.engine import Model


def check_length(model: Model, batch: Sequence[Response], prompts: Sequence[tuple[int, ...]]) -> None:
    limit = model.context_length
    for response, prompt_ids in zip(batch, prompts, strict=True):
        length = len(prompt_ids) + len(response.token_ids) - 1
        if limit is not None and length > limit:
            raise InputError(
                f"response {response.response_id!r}: {length} tokens with its prompt exceed the {limit} positions of "
                f"model {model.checkpoint.model_id}; shorten it, or leave {response.prompt_id!r} out with leave_out"
            )


def too_large(response: Response) -> InputError:
    return InputError(
        f"response {response.response_id!r}: its {len(response.token_ids)} tokens do not fit into memory even alone; "
        f"lower score.chunk_logits, or leave {response.prompt_id!r} out with leave_out"
    )


def not_a_number(model: Model, batch: Sequence[Response], position: int) -> InputError:
    for response in batch:
        if position < len(response.token_ids):
            break
        position -= len(response.token_ids)
    return InputError(
        f"response {response.response_id!r}, position {position}: model {model.checkpoint.model_id} gives logits "
        "that are not numbers; check its weights, or run it with dtype: float32"
    )
