"""Two made-up reports and the site that compares them, whose images are not drawn."""

from __future__ import annotations

import shutil
from pathlib import Path
from unittest.mock import patch

import duckdb

from tds_atlas.cli.gate import compare
from tests.report import synthetic
from tests.report.undrawn import write_images

# Of c-2 answers of their own name, which stay as they are; of c-1 other tokens, some of them shifted, under other ids.
_OTHER = """
    UPDATE comparison SET source = 'file' WHERE comparison_id = 'c-2';
    INSERT INTO response SELECT * REPLACE ('file/' || prompt_id AS response_id, 'file' AS source) FROM response;
    INSERT INTO "position" SELECT * REPLACE (replace(response_id, 'sft·chat', 'file') AS response_id) FROM "position";
    INSERT INTO score SELECT * REPLACE (replace(response_id, 'sft·chat', 'file') AS response_id) FROM score;
    UPDATE divergence SET response_id = replace(response_id, 'sft·chat', 'file') WHERE comparison_id = 'c-2';
    UPDATE "position" SET token_id = 1 + token_id % 9 WHERE response_id LIKE 'sft%' AND pos % 3 = 0 AND NOT is_end;
    UPDATE score SET rank = 9 WHERE response_id LIKE 'sft%' AND pos % 3 = 0 AND condition_id = 'base·plain';
    UPDATE divergence SET js = js + pos / 1000, kl_aligned_base = kl_aligned_base * 2 WHERE comparison_id = 'c-2';
    UPDATE prompt SET prompt_id = 'x' || prompt_id, ordinal = 100 - ordinal;
    UPDATE response SET prompt_id = 'x' || prompt_id;
    UPDATE reading SET prompt_id = 'x' || prompt_id;
    UPDATE turn SET prompt_id = 'x' || prompt_id;
    UPDATE run SET value = '</title><script>alert(1)</script>' WHERE key = 'report_title'"""


def write(folder: Path) -> None:
    """The reports, the site and the exit code."""
    a = synthetic.write(folder / "a.duckdb", rich=True)
    b = Path(shutil.copyfile(a, folder / "b.duckdb"))
    with duckdb.connect(str(b)) as con:
        con.execute(_OTHER)
    code: object = 0
    with patch("tds_atlas.gate.site.write_images", write_images):
        try:
            compare(
                a, b, fail_on="shifted>+3pt, js>+1%", mapped=["c-1=c-1", "c-2=c-2"], site=folder / "root" / "beside"
            )
        except SystemExit as end:
            code = end.code
    (folder / "code").write_text(str(code), encoding="utf-8")
