"""A PEFT adapter as its own settings describe it, before anything is loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tds_atlas.domain import InputError

ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
# Kinds that put vectors before the text instead of changing a layer: PEFT's own forward adds them, a body has no place.
_VIRTUAL_TOKENS = ("PROMPT_TUNING", "MULTITASK_PROMPT_TUNING", "PREFIX_TUNING", "P_TUNING", "CPT", "CARTRIDGE")
_PATTERNS = ("target_modules", "exclude_modules", "layers_pattern", "rank_pattern", "alpha_pattern")



@dataclass(frozen=True)
class AdapterCard:
    """What adapter_config.json says."""

    kind: str  # LORA, IA3, ...
    other_base: str  # what it was trained on, if that has another name than the adapted model; else empty
    trains_biases: bool  # of the adapted model itself: switching the adapter off does not bring the old ones back
    modules_to_save: tuple[str, ...]  # modules that it replaces as a whole


def read_adapter(key: str, folder: Path, base_name: str) -> AdapterCard:
    """The card of an adapter for a model called `base_name`; `key` names its setting.

    Raises InputError for a kind that cannot be measured.
    """
    path = folder / ADAPTER_CONFIG
    try:
        config: Any = json.loads(path.read_text(encoding="utf-8"))
        kind = str.upper(config["peft_type"])
        trained_on = str(config.get("base_model_name_or_path") or "")
        modules = tuple(map(str, config.get("modules_to_save") or ()))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{path}: not the settings of a PEFT adapter: no peft_type") from None
    if kind in _VIRTUAL_TOKENS:
        raise InputError(
            f"{key}: {path}: {kind} puts virtual tokens before the text, which cannot be measured; give an adapter "
            "that changes layers (LoRA, IA3, OFT and the like)"
        )
    other = "" if Path(trained_on).name.lower() == Path(base_name).name.lower() else trained_on
    return AdapterCard(kind, other, config.get("bias") not in (None, "none"), modules)


def patterns(folder: Path) -> list[str]:
    """What of an adapter's settings PEFT reads as regular expressions over the names of a model's modules."""
    config = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    values = [config.get(name) for name in _PATTERNS]
    parts = [part for value in values for part in (value if isinstance(value, list | dict) else [value])]
    return [part for part in parts if isinstance(part, str)]
