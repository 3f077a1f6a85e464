"""How much is read together, and what the last logits of a batch take."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tds_atlas.inputs.checkpoints import locate
from tds_atlas.inputs.settings import ModelSettings
from tds_atlas.measure.engines.models import Models
from tds_atlas.measure.memory import rows_at_once
from tests import tiny

PEAK = """
import sys
from pathlib import Path
import torch
from tds_atlas.inputs.checkpoints import locate
from tds_atlas.inputs.settings import ModelSettings
from tds_atlas.measure.engines.models import Models
from tds_atlas.measure.probes.reader import Reader

def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024

model = Models("cpu").model(locate("m", {"m": ModelSettings(path=sys.argv[1])}))
texts = [tuple(range(5, 25))] * 16
with torch.inference_mode():
    model.logits(torch.tensor([texts[0]]))
    before = peak()
    model.greedy(texts, 3)
    Reader(model, texts).read()
print(peak() - before)
"""


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """A model in bfloat16 whose output embedding takes 32 MB, and its logits of 16 texts 4 MB."""
    words = tiny.tokenizer()
    config = tiny.shape(128_000, 128, 64, layers=1, heads=2, positions=64)
    LlamaForCausalLM(LlamaConfig(**config, tie_word_embeddings=True)).to(torch.bfloat16).save_pretrained(
        tmp_path / "wide"
    )
    words.save_pretrained(tmp_path / "wide")
    return tmp_path / "wide"


def test_no_row_of_a_batch_has_weights_of_its_own(wide: Path) -> None:
    """In half precision torch would copy the output embedding for each text: half a gigabyte here."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", PEAK, str(wide)], env=env, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 120  # MB


def test_what_is_read_together_fits_into_half_of_the_weights(wide: Path) -> None:
    model = Models("cpu").model(locate("m", {"m": ModelSettings(path=wide)}))
    kept = 2 * 128 * 2  # keys and values of one layer, 128 numbers of two bytes each
    assert model.cache_bytes == kept and model.weight_bytes == pytest.approx(128_000 * 128 * 2, rel=0.01)
    row = 1000 * kept + 12 * 128_000
    assert rows_at_once([model], 1000, 500) == 256_000_000 // row
    assert rows_at_once([model, model], 1000, 500) == 256_000_000 // (2 * row)
    assert rows_at_once([model], 1000, 7) == 7 and rows_at_once([model], 10**9, 7) == 1
