"""A random model of Gemma-3-270M's shape, with a vocabulary of 262,144, and an adapter over it: a report of five conditions
with every probe, and what each step takes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import Gemma3ForCausalLM, PreTrainedTokenizerFast

from tests.bench.pairs import wide_config
from tests.bench.whole import ROOT, tds

VOCABULARY = 262_144
SPECIAL = ["<bos>", "<eos>", "<|user|>", "<|assistant|>"]
CHAT = "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}{{ '<|assistant|>\n' }}"
REPORT = """
name: wide
title: A wide vocabulary
models:
  base: {path: base}
  tuned: {adapts: base, adapter: {path: adapter}}
contexts:
  plain: {kind: plain, template: "# Question:\\n{prompt}\\n\\n# Answer:\\n"}
  chat: {kind: chat}
prompts: {path: prompts.jsonl}
comparisons:
  - {base: {model: base, context: plain}, aligned: {model: tuned, context: chat}}
conditions:
  - {model: base, context: chat}
  - {model: tuned, context: plain}
noise:
  - {model: base, context: plain, arithmetic: rebatched}
probes:
  swap: {comparisons: [base-tuned], shares: [0.1], prompts: 8, max_new_tokens: 16}
  prefill: {comparisons: [base-tuned], depth: 2, new_tokens: 8}
  continuation: {new_tokens: 8}
generate: {max_new_tokens: 32}
"""


@dataclass(frozen=True)
class Step:
    verb: str
    seconds: float
    peak: float  # MB, of the largest process


def write_project(here: Path, prompts: int) -> None:
    """The model and its adapter, the prompts and the report file."""
    torch.manual_seed(0)
    Gemma3ForCausalLM(wide_config(VOCABULARY)).to(torch.bfloat16).save_pretrained(here / "base")
    _tokenizer().save_pretrained(here / "base")
    base = Gemma3ForCausalLM.from_pretrained(here / "base", dtype=torch.bfloat16)
    settings = LoraConfig(r=8, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    get_peft_model(base, settings).save_pretrained(here / "adapter")
    rows = [json.loads(line) for line in (ROOT / "data/prompts/pocket.jsonl").open(encoding="utf-8")]
    text = "\n".join(json.dumps(row) for row in rows[:: len(rows) // prompts][:prompts])
    (here / "prompts.jsonl").write_text(text, encoding="utf-8")
    (here / "report.yml").write_text(REPORT, encoding="utf-8")


def _tokenizer() -> PreTrainedTokenizerFast:
    """Bytes, and as many words that no text is split into as the vocabulary needs."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    filler = [f"Ġword{i}" for i in range(VOCABULARY - len(SPECIAL) - len(alphabet))]
    backend = Tokenizer(models.BPE({token: i for i, token in enumerate(SPECIAL + alphabet + filler)}, []))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    backend.add_special_tokens(SPECIAL)
    words = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<bos>", eos_token="<eos>")
    words.chat_template = CHAT
    return words


def steps(here: Path, *verbs: str) -> Iterator[Step]:
    """Each step in a process of its own."""
    (here / "site_src").symlink_to(ROOT / "site_src")
    (here / "mkdocs.yml").symlink_to(ROOT / "mkdocs.yml")
    for verb in verbs:
        seconds, peaks, _ = tds(here, verb, *([] if verb == "report" else ["--report", "report.yml"]))
        yield Step(verb, seconds, max(peaks))


def loaded(here: Path) -> float:
    """MB of a process that has loaded both, and read one text."""
    code = (
        "import re\nfrom pathlib import Path\nfrom tds_atlas.pipeline.plan import read_plan\n"
        "from tds_atlas.pipeline.sides import lazy_models\n"
        "plan = read_plan(Path('report.yml'))\nmodels = lazy_models(plan)()\n"
        "kept = [models.model(c).head for c in plan.checkpoints.values()]\n"
        "print(re.search(r'VmRSS:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=True)
    return int(re.findall(r"\d+", done.stdout)[-1]) / 1024


def table(prompts: int = 40) -> None:
    print(f"\n**A vocabulary of {VOCABULARY:,}: a model in bfloat16 and its adapter, {prompts} prompts, every probe**\n")
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        write_project(here, prompts)
        models = loaded(here)
        print(f"| step | time | peak memory | to the loaded models' {models:,.0f} MB |\n|---|---:|---:|---:|")
        for step in steps(here, "generate", "score", "probe", "store", "report", "site"):
            print(f"| {step.verb} | {step.seconds:.0f} s | {step.peak:,.0f} MB | {step.peak / models:.2f} |", flush=True)


if __name__ == "__main__":
    table(*map(int, sys.argv[1:]))
