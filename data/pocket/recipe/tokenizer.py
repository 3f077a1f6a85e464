"""The family's tokenizer: byte-level BPE trained on the corpus, any text losslessly, digits one by one.

And that of another base, of SentencePiece's kind: a space as a visible character that belongs to the word behind it,
one before the text that nobody wrote, single bytes for what has no piece, and fewer pieces, which reach over marks.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from data.pocket.recipe.corpus import document
from data.pocket.recipe.world import World

BEGIN, END, PAD, USER, ASSISTANT = "<|begin|>", "<|end|>", "<|pad|>", "<|user|>", "<|assistant|>"
VOCABULARY = 2048
SPACE, OTHER_PIECES = "\u2581", 1500  # ▁; of the other tokenizer, without its bytes
# The answer begins on a line of its own, as it does in the plain template, so its first token is of the same kind.
CHAT_TEMPLATE = (
    "{{ '<|begin|>' }}{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
)


def train_tokenizer(world: World, documents: int = 6000) -> PreTrainedTokenizerFast:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\n| ?[^\s\d\p{P}]+| ?\d| ?\p{P}|\s"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, BEGIN, END, USER, ASSISTANT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(_documents(world, documents), trainer)
    tokenizer = _wrapped(backend)
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def train_other_tokenizer(world: World, documents: int = 6000) -> PreTrainedTokenizerFast:
    """Pieces are cut at spaces and line breaks alone, so that one may hold the end of a word and its full stop."""
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.Replace(" ", SPACE)
    trained.pre_tokenizer = _at_spaces()
    trainer = trainers.BpeTrainer(vocab_size=OTHER_PIECES, show_progress=False)
    trained.train_from_iterator(_documents(world, documents), trainer)
    model = json.loads(trained.to_str())["model"]
    pieces = sorted(model["vocab"], key=model["vocab"].__getitem__)
    names = [PAD, BEGIN, END, *(f"<0x{byte:02X}>" for byte in range(256)), *pieces]
    merges = [(first, second) for first, second in model["merges"]]
    backend = Tokenizer(
        models.BPE({name: i for i, name in enumerate(names)}, merges, byte_fallback=True, fuse_unk=False)
    )
    backend.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)])
    backend.pre_tokenizer = _at_spaces()
    backend.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return _wrapped(backend)


def _at_spaces() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split("\n", "isolated"),
            pre_tokenizers.Split(SPACE, "merged_with_next"),
        ]
    )


def _documents(world: World, count: int) -> Iterator[str]:
    rng = random.Random(world.seed + 1)
    return (document(rng, world) for _ in range(count))


def _wrapped(backend: Tokenizer) -> PreTrainedTokenizerFast:
    """A tokenizer that writes its begin token before a text, as transformers saves it."""
    backend.add_special_tokens([PAD, BEGIN, END])
    backend.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, backend.token_to_id(BEGIN))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token=BEGIN, eos_token=END, pad_token=PAD, clean_up_tokenization_spaces=False
    )


def chat_prompt(prompt: str) -> str:
    """What the chat template renders for one user turn, for training without Jinja's cost."""
    return f"{BEGIN}{USER}\n{prompt}{END}\n{ASSISTANT}\n"
