"""The place of shards in a report file: folders as before, URLs of buckets, and nothing that would store a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from tds_atlas.domain import InputError
from tds_atlas.inputs.report_file import read_report
from tests.conftest import REPORT


def read(project: Path, place: str) -> Path | str:
    (project / "report.yml").write_text(f"{REPORT}output: {{shards: {place}}}\n", encoding="utf-8")
    return read_report(project / "report.yml").output.shards


@pytest.mark.parametrize("url", ["s3://my-bucket", "gs://my.bucket/a/b_c/2026", "s3://my-bucket/a/"])
def test_a_url_of_a_bucket_is_taken_as_it_is(project: Path, url: str) -> None:
    assert read(project, url) == url.rstrip("/")


@pytest.mark.parametrize("place", ["data/shards", "/mnt/s3/shards", "~/shards", "'C:\\shards'", "s3"])
def test_everything_else_is_a_folder(project: Path, place: str) -> None:
    assert read(project, place) == Path(place.strip("'")).expanduser()


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("https://my-bucket.s3.amazonaws.com/a", "is no URL of a bucket"),
        ("s3://", "is no URL of a bucket"),
        ("'s3:/my-bucket/a'", "is no URL of a bucket"),
        ("s3://My-Bucket", "is no URL of a bucket"),
        ("s3://my-bucket//a", "is no URL of a bucket"),
        ("s3://my-bucket/a/../b", "is no URL of a bucket"),
        ("file:///tmp/x", "is no URL of a bucket"),
        ("az://container/a", "is no URL of a bucket"),
        ("s3://AKIAMADEUP:hush-hush@my-bucket/a", "a URL with a key or a query, which the database would hold"),
        ("'s3://my-bucket/a?X-Amz-Signature=hush-hush'", "a URL with a key or a query, which the database would hold"),
        ("3", "is no place"),
    ],
)
def test_other_urls_are_refused_without_a_word_of_theirs(project: Path, place: str, problem: str) -> None:
    with pytest.raises(
        InputError, match=rf"report.yml: output.shards: {problem}; give a folder, s3://BUCKET/PREFIX"
    ) as raised:
        read(project, place)
    assert "hush" not in str(raised.value)
