"""`tds serve` over real HTTP: ranges, the site's own 404 page, no listings, and nothing from outside the folder."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tds_atlas.cli.site_server import site_server
from tds_atlas.domain import InputError
from tests.conftest import free_port


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    site = tmp_path / "site"
    (site / "folder").mkdir(parents=True)
    (site / "index.html").write_text("home", encoding="utf-8")
    (site / "404.html").write_text("not here", encoding="utf-8")
    (site / "folder" / "data.bin").write_bytes(b"0123456789")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    number = free_port()
    monkeypatch.setattr("tds_atlas.cli.site_server.SiteHandler.log_message", lambda *_: None)
    with site_server(site, number) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield number
        server.shutdown()


def ask(port: int, path: str, range: str | None = None, method: str = "GET") -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers={"Range": range} if range else {})
    answer = connection.getresponse()
    return answer.status, answer.read(), {key.lower(): value for key, value in answer.getheaders()}


def test_whole_files_and_the_page_of_a_folder(port: int) -> None:
    status, body, headers = ask(port, "/")
    assert (status, body, headers["accept-ranges"]) == (200, b"home", "bytes")
    assert ask(port, "/folder/data.bin")[:2] == (200, b"0123456789")
    assert ask(port, "/folder/data.bin", "lines=1-2")[:2] == (200, b"0123456789")


@pytest.mark.parametrize(
    ("range", "part", "place"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=4-4", b"4", "bytes 4-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=7-999", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
    ],
)
def test_a_range_is_that_part_of_the_file(port: int, range: str, part: bytes, place: str) -> None:
    status, body, headers = ask(port, "/folder/data.bin", range)
    assert (status, body, headers["content-range"]) == (206, part, place)
    assert headers["content-length"] == str(len(part))


@pytest.mark.parametrize("range", ["bytes=10-", "bytes=5-4", "bytes=-0"])
def test_a_range_beyond_the_file(port: int, range: str) -> None:
    status, body, headers = ask(port, "/folder/data.bin", range)
    assert (status, body, headers["content-range"]) == (416, b"", "bytes */10")


@pytest.mark.parametrize("path", ["/none", "/folder/", "/../secret.txt", "/%2e%2e/secret.txt", "/folder/data.bin/"])
def test_what_is_missing_gets_the_page_of_the_site(port: int, path: str) -> None:
    assert ask(port, path)[:2] == (404, b"not here")
    assert ask(port, path, "bytes=0-1")[:2] == (404, b"not here")
    assert ask(port, path, method="HEAD")[:2] == (404, b"")


def test_a_port_that_cannot_be_used(port: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"port {port}: Address already in use; choose another with --port"):
        site_server(tmp_path, port)
