"""Content hashes: whatever changes in names, folders or contents changes them."""

from __future__ import annotations

from pathlib import Path

from tds_atlas.hashes import hash_files, hash_tree


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_tree_is_its_paths_and_contents_wherever_it_lies(tmp_path: Path) -> None:
    files = {"findings/where.md": "a", "index.md": "b"}
    first = hash_tree(written(tmp_path / "one", files))
    assert first == hash_tree(written(tmp_path / "two", files))
    assert first != hash_tree(written(tmp_path / "three", {"findings2/where.md": "a", "index.md": "b"}))  # git mv
    assert first != hash_tree(written(tmp_path / "four", {"findings/where.md": "b", "index.md": "a"}))
    assert first != hash_tree(written(tmp_path / "five", files | {"sub/index.md": "b"}))
    (tmp_path / "two" / "index.pyc").write_bytes(b"compiled")
    assert first == hash_tree(tmp_path / "two")


def test_a_missing_file_counts_by_its_absence(tmp_path: Path) -> None:
    written(tmp_path, {"a": "1", "b": "2"})
    assert hash_files([tmp_path / "a", tmp_path / "none"]) == hash_files([tmp_path / "a"])
    assert hash_files([tmp_path / "a"]) != hash_files([tmp_path / "a", tmp_path / "b"])
