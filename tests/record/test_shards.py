"""Shards are what was written or nothing: whatever happens to their files is noticed, and measured anew."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tds_atlas.domain import InputError
from tds_atlas.pipeline.work import Failures, mending
from tds_atlas.record.shards import DamagedShard, Shard

TABLES = {
    "score": pa.table({"response_id": ["a/1"] * 50 + ["a/2"] * 50, "rank": list(range(100))}),
    "divergence": pa.table({"response_id": ["a/1", "a/2"], "js": [0.25, 0.5]}),
}
META = {"seconds": 1.5, "device": "cpu"}
Damage = Callable[[Path, Path], object]
FILES = ("score.parquet", "divergence.parquet", "index.json")


def flip(name: str, place: float, bit: int) -> Damage:
    def damage(folder: Path, _: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[int(place * (len(content) - 1))] ^= 1 << bit
        (folder / name).write_bytes(content)

    return damage


def cut(name: str, keep: float) -> Damage:
    return lambda folder, _: (folder / name).write_bytes(
        (folder / name).read_bytes()[: int(keep * (folder / name).stat().st_size)]
    )


def zeroed(name: str, start: float) -> Damage:
    def damage(folder: Path, _: Path) -> None:
        content = (folder / name).read_bytes()
        begin = int(start * len(content))
        (folder / name).write_bytes(content[:begin] + bytes(min(64, len(content) - begin)) + content[begin + 64 :])

    return damage


def swapped(name: str) -> Damage:
    return lambda folder, other: shutil.copy(other / name, folder / name)


def as_folder(name: str) -> Damage:
    return lambda folder, _: ((folder / name).unlink(), (folder / name).mkdir())


def as_pipe(name: str) -> Damage:
    return lambda folder, _: ((folder / name).unlink(), os.mkfifo(folder / name))


def reworded(old: str, new: str) -> Damage:
    def damage(folder: Path, _: Path) -> None:
        text = (folder / "index.json").read_text(encoding="utf-8")
        assert old in text
        (folder / "index.json").write_text(text.replace(old, new), encoding="utf-8")

    return damage


def moved_whole(folder: Path, other: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(other, folder)


def as_file(folder: Path, _: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("not a folder", encoding="utf-8")


def emptied(folder: Path, _: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


DAMAGES: dict[str, Damage] = {"moved whole": moved_whole, "as file": as_file, "emptied": emptied}
for name in FILES:
    for place, bit in ((0, 0), (0.1, 7), (0.3, 1), (0.5, 5), (0.7, 0), (0.9, 3), (1, 2)):
        DAMAGES[f"{name}: flip {place}, {bit}"] = flip(name, place, bit)
    DAMAGES |= {f"{name}: cut {keep}": cut(name, keep) for keep in (0, 0.01, 0.5, 0.99)}
    DAMAGES |= {f"{name}: zeroes {start}": zeroed(name, start) for start in (0, 0.4, 0.8)}
    DAMAGES |= {f"{name}: swapped": swapped(name), f"{name}: as folder": as_folder(name)}
    DAMAGES[f"{name}: as pipe"] = as_pipe(name)
    DAMAGES[f"{name}: removed"] = lambda folder, _, name=name: (folder / name).unlink()
    DAMAGES[f"{name}: longer"] = lambda folder, _, name=name: (folder / name).open("ab").write(b"x")
DAMAGES["index: brackets"] = lambda folder, _: (folder / "index.json").write_text("[" * 99_999)
for old, new in (('"rows": 2', '"rows": 3'), ('"seconds": 1.5', '"seconds": 2.5'), ('"score": {', '"scope": {')):
    DAMAGES[f"index: {old}"] = reworded(old, new)


def written(root: Path, key: str, shift: int = 0) -> Shard:
    shard = Shard(root, "scores", key)
    ranks = pa.table({"response_id": TABLES["score"]["response_id"], "rank": [shift + i for i in range(100)]})
    shard.write({"score": ranks, "divergence": TABLES["divergence"].slice(0, 2 - min(1, shift))}, META)
    return shard


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_no_damage_passes_and_each_is_mended(damage: Damage, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    shard, other = written(tmp_path, "a"), written(tmp_path, "b", shift=1)
    damage(shard.folder, other.folder)
    got = []

    @mending
    def step() -> None:
        if not shard.exists():
            written(tmp_path, "a")
        got.append(({name: shard.read(name) for name in TABLES}, shard.meta()))

    step()
    assert got == [(TABLES, META)]
    (line,) = capsys.readouterr().err.splitlines()
    assert str(shard.folder) in line and line.endswith("; it is measured anew")
    assert sorted(path.name for path in shard.folder.parent.iterdir()) == ["a", "b"]


class Decaying(Shard):
    """A shard on a disk that loses a bit of a page after the file was compared."""

    def verified(self, name: str) -> Path:
        path = super().verified(name)
        content = bytearray(path.read_bytes())
        column = pq.read_metadata(path).row_group(0).column(1)
        content[column.dictionary_page_offset + column.total_compressed_size // 2] ^= 1
        path.write_bytes(content)
        return path


def test_a_page_that_changes_after_its_file_was_compared_is_noticed(tmp_path: Path) -> None:
    ranks = pa.table({"response_id": ["a/1"] * 100, "rank": np.random.default_rng(0).integers(0, 2**62, 100)})
    shard = Decaying(tmp_path, "scores", "a")
    shard.write({"score": ranks})
    with pytest.raises(DamagedShard, match=r"score.parquet: damaged$"):
        shard.read("score")


def test_what_was_not_damaged_is_read_without_a_word(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    shard = written(tmp_path, "a")
    assert shard.exists() and shard.read("score").equals(TABLES["score"]) and shard.meta() == META
    rows = {
        name: entry["rows"] for name, entry in json.loads((shard.folder / "index.json").read_text())["tables"].items()
    }
    assert rows == {"score": 100, "divergence": 2} and capsys.readouterr().err == ""


def test_a_shard_that_is_damaged_again_and_again_ends_the_run(tmp_path: Path) -> None:
    @mending
    def step() -> None:
        shard = Shard(tmp_path, "scores", "a")
        if not shard.exists():
            written(tmp_path, "a")
        flip("score.parquet", 0.5, 0)(shard.folder, shard.folder)
        shard.read("score")

    with pytest.raises(
        InputError, match=r"score.parquet: damaged, and again after it was measured anew: check the disk$"
    ):
        step()


def test_damage_is_not_held_back_with_the_failures_of_other_pieces(tmp_path: Path) -> None:
    shard = written(tmp_path, "a")
    cut("score.parquet", 0.5)(shard.folder, shard.folder)
    with pytest.raises(DamagedShard), Failures().collect():
        shard.read("score")


def test_a_shard_that_another_worker_measured_anew_is_not_removed(tmp_path: Path) -> None:
    shard = written(tmp_path, "a")
    shard.remove()
    assert shard.exists()


def test_a_shard_that_is_not_there_is_no_damage(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="scores/a: not measured yet") as raised:
        Shard(tmp_path, "scores", "a").read("score")
    assert not isinstance(raised.value, DamagedShard)
