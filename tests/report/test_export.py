"""The dataset of Parquet files: the same rows, a card that says what they are, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
import yaml

from tds_atlas.domain import InputError
from tds_atlas.report.export import write_export
from tests.report import synthetic


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.write(tmp_path_factory.mktemp("db") / "made.duckdb", noise=True, further=True, rich=True)


def test_every_table_has_its_rows_and_the_card_names_each(database: Path, tmp_path: Path) -> None:
    files = write_export(database, tmp_path / "set")
    found = {path.stem: path for path in (tmp_path / "set").rglob("*.parquet")}
    assert files >= len(found) > 10 and {"tds", "word", "example", "score", "prompt", "swap"} <= set(found)
    with duckdb.connect(str(database), read_only=True) as con:
        for name, path in found.items():
            assert pq.read_table(path).num_rows == con.execute(f'SELECT count(*) FROM "{name}"').fetchall()[0][0], name
        same = con.execute("SELECT * FROM tds ORDER BY ALL").fetchall()
        con.execute("SET VARIABLE here = ?", [str(found["tds"])])
        assert con.execute("SELECT * FROM read_parquet(getvariable('here')) ORDER BY ALL").fetchall() == same
    card = (tmp_path / "set" / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(card.split("---\n")[1])
    assert {c["config_name"] for c in front["configs"]} == set(found)
    assert "base\\_rank" in card and "<b>" not in card.split("---\n", 2)[2].split("```")[0]


def test_two_exports_are_the_same_and_a_folder_of_the_users_own_is_left_alone(database: Path, tmp_path: Path) -> None:
    write_export(database, tmp_path / "a")
    write_export(database, tmp_path / "b")
    one, two = (
        {p.relative_to(d): p.read_bytes() for p in d.rglob("*") if p.is_file()}
        for d in (tmp_path / "a", tmp_path / "b")
    )
    assert one == two
    write_export(database, tmp_path / "a")  # its own former export is replaced
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.md").touch()
    with pytest.raises(InputError, match="mine"):
        write_export(database, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.md").exists()
