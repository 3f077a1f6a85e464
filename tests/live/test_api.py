"""`tds serve --live` over real HTTP with the pocket pair: the database's numbers, and what it refuses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.live import Headers, Said, Server

PROMPT = "Do you know the founder of Tostford?"
ASKED = {"comparison": "base-sft", "prompt": PROMPT}
WRITE = {**ASKED, "ids": [], "by": "aligned", "tokens": 8}
LONG = {**ASKED, "ids": [330, 671] * 400}  # takes the models a while


POSITIONS = """
SELECT token_id, shift, base_rank, aligned_rank, base_logprob, aligned_logprob, kl_aligned_base, js,
FROM tds JOIN prompt p USING (prompt_id) WHERE p.text = $prompt ORDER BY pos
"""
LISTS = """
SELECT top_ids[:10], c.opening || x.text || c.closing FROM score s
JOIN response r USING (response_id) JOIN prompt p USING (prompt_id)
JOIN reading x ON (x.prompt_id, x.condition_id) = (p.prompt_id, s.condition_id)
JOIN condition c ON c.condition_id = s.condition_id
WHERE p.text = $prompt AND s.condition_id = $condition ORDER BY pos
"""


@pytest.fixture(scope="module")
def database(pocket_pair: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(pocket_pair / "data" / "tds.duckdb"), read_only=True) as con:
        yield con


@pytest.fixture(scope="module")
def answers(database: duckdb.DuckDBPyConnection) -> list[tuple[str, str, list[int]]]:
    """Prompt, text and ids of the database's answers."""
    ids = "(SELECT list(token_id ORDER BY pos) FROM position o WHERE o.response_id = r.response_id)"
    return database.sql(f"SELECT p.text, r.text, {ids} FROM response r JOIN prompt p USING (prompt_id)").fetchall()


def test_what_it_reads_is_what_the_database_says(live_server: Server, database: Any, answers: list[Any]) -> None:
    assert len(answers) == 4
    for prompt, text, ids in answers:
        read = live_server.ask("/live/read", {"comparison": "base-sft", "prompt": prompt, "ids": ids}).json
        known = database.execute(POSITIONS, {"prompt": prompt}).fetchall()
        assert read["ids"] == ids and len(known) == len(ids) == len(read["tokens"])
        for token, row in zip(read["tokens"], known, strict=True):
            sides = token["base"], token["aligned"]
            assert (token["id"], token["shift"], *(side["rank"] for side in sides)) == row[:4]
            assert [side["log_p"] for side in sides] == pytest.approx(row[4:6], abs=1e-4)
            assert (token["kl"], token["js"]) == pytest.approx(row[6:], rel=1e-3, abs=1e-5)
        assert "".join(token["text"] for token in read["tokens"]) == read["text"] == text


def test_candidates_and_what_was_read_are_those_of_the_database(
    live_server: Server, database: Any, answers: list[Any]
) -> None:
    for prompt, _, ids in answers:
        read = live_server.ask("/live/read", {"comparison": "base-sft", "prompt": prompt, "ids": ids}).json
        for by, condition in (("base", "base·plain"), ("aligned", "sft·chat")):
            known = database.execute(LISTS, {"prompt": prompt, "condition": condition}).fetchall()
            lists = [[one["id"] for one in token[by]["top"]] for token in read["tokens"]]
            assert [(top, read["readings"][by]) for top in lists] == known


def test_what_it_writes_is_what_was_generated_in_one_piece_or_several(live_server: Server, answers: list[Any]) -> None:
    for prompt, _, ids in answers:
        asked = {**WRITE, "prompt": prompt, "tokens": 256}
        assert live_server.ask("/live/write", asked).json == {"ids": ids, "ended": True}
        rest = live_server.ask("/live/write", {**asked, "ids": ids[:5]}).json
        assert rest == {"ids": ids[5:], "ended": True}
    assert live_server.ask("/live/write", {**asked, "ids": ids}).json == {"ids": [], "ended": True}


def test_after_a_swap_each_side_writes_its_own_first_choices(live_server: Server, answers: list[Any]) -> None:
    prompt, _, ids = answers[0]
    asked = {"comparison": "base-sft", "prompt": prompt}
    top = live_server.ask("/live/read", {**asked, "ids": ids}).json["tokens"][2]["base"]["top"]
    put = [*ids[:2], next(one["id"] for one in top if one["id"] != ids[2])]
    texts = set()
    for by in ("base", "aligned"):
        on = live_server.ask("/live/write", {**asked, "ids": put, "by": by, "tokens": 12}).json["ids"]
        read = live_server.ask("/live/read", {**asked, "ids": [*put, *on]}).json
        assert {token[by]["rank"] for token in read["tokens"][3:]} == {1} and len(on) > 1
        texts.add(read["text"])
    assert len(texts) == 2


def test_a_text_is_read_as_ready_answers_are(live_server: Server, answers: list[Any]) -> None:
    prompt, text, ids = answers[0]
    asked = {"comparison": "base-sft", "prompt": prompt}
    read = live_server.ask("/live/read", {**asked, "answer": text}).json
    assert read["ids"] == ids[:-1] and not read["ended"]
    ended = live_server.ask("/live/read", {**asked, "answer": f"{text}<|end|>"}).json
    assert ended["ids"] == ids and ended["ended"] and ended["tokens"][-1]["text"] == ""
    spans = [(token["start"], token["end"]) for token in read["tokens"]]
    assert [text[a:b] for a, b in spans] == [token["text"] for token in read["tokens"]]


def test_it_describes_the_report_and_its_models_in_other_contexts(live_server: Server) -> None:
    said = live_server.ask("/live/describe")
    assert said.status == 200 and said.headers["cache-control"] == "no-store"
    names = [{side: "·".join(c[side].values()) for side in ("base", "aligned")} for c in said.json["comparisons"]]
    assert names[0] == {"base": "base·plain", "aligned": "sft·chat"} and said.json["bytes"] == 0
    assert len(names) == 4 and {"base": "base·chat", "aligned": "sft·chat"} in names
    key = said.json["comparisons"][names.index({"base": "base·chat", "aligned": "sft·chat"})]["key"]
    read = live_server.ask("/live/read", {"comparison": key, "prompt": PROMPT, "answer": "Yes."}).json
    assert read["readings"]["base"] == read["readings"]["aligned"]


QUESTIONS: list[tuple[str, str, Any, str]] = [
    ("read", "not JSON", b"{", "EOF"),
    ("read", "a list", [], "object"),
    ("read", "deep", b"[" * 100_000, "recursion"),
    ("read", "nothing said", {}, "comparison: missing"),
    ("read", "neither answer nor ids", ASKED, "give either answer, a text, or ids"),
    ("read", "both", {**ASKED, "answer": "a", "ids": [1]}, "give either answer, a text, or ids"),
    (
        "read",
        "an unknown key",
        {**ASKED, "ids": [1], "by": "base"},
        "by: unknown key; allowed here: comparison, prompt",
    ),
    (
        "read",
        "an unknown comparison",
        {**ASKED, "comparison": "x\n", "ids": [1]},
        "none of this report's; known: base-sft",
    ),
    ("read", "no prompt", {**ASKED, "prompt": "", "ids": [1]}, "prompt: String should have at least 1 character"),
    ("read", "a long prompt", {**ASKED, "prompt": "a" * 8001, "ids": [1]}, "at most 8000 characters"),
    ("read", "a prompt over the positions", {**ASKED, "prompt": "天" * 8000, "ids": [1]}, "base has 8,192 positions"),
    ("read", "half a character", b'{"comparison":"base-sft","prompt":"\\ud800 ","ids":[1]}', "Invalid JSON"),
    ("read", "a NUL", {**ASKED, "prompt": "a\0", "ids": [1]}, "prompt: holds a NUL"),
    ("read", "a NUL in the answer", {**ASKED, "answer": "a\0"}, "answer: holds a NUL"),
    ("read", "a long answer", {**ASKED, "answer": "a" * 16_385}, "at most 16384 characters"),
    ("read", "an answer of many tokens", {**ASKED, "answer": "a b " * 2000}, "at most 1,024 are read"),
    ("read", "no ids", {**ASKED, "ids": []}, "ids: "),
    ("read", "many ids", {**ASKED, "ids": [1] * 1025}, "at most 1024"),
    ("read", "a text for an id", {**ASKED, "ids": ["1"]}, "ids.0: Input should be a valid integer"),
    ("read", "true for an id", {**ASKED, "ids": [True]}, "ids.0: Input should be a valid integer"),
    ("read", "half an id", {**ASKED, "ids": [1.5]}, "ids.0: Input should be a valid integer"),
    ("read", "an id below 0", {**ASKED, "ids": [-1]}, "ids.0: Input should be greater than or equal to 0"),
    ("read", "an id beyond the vocabulary", {**ASKED, "ids": [1, 999_999]}, "ids: 999999 is no token of sft; it has "),
    ("read", "an id beyond all", {**ASKED, "ids": [10**30]}, "ids.0: "),
    ("write", "an id beyond the vocabulary", {**WRITE, "ids": [999_999]}, "ids: 999999 is no token of sft; it has "),
    ("write", "nobody", {**WRITE, "by": "both"}, "by: Input should be 'base' or 'aligned'"),
    ("write", "no tokens", {**WRITE, "tokens": 0}, "tokens: Input should be greater than or equal to 1"),
    ("write", "many tokens", {**WRITE, "tokens": 257}, "tokens: Input should be less than or equal to 256"),
    ("write", "a full answer", {**WRITE, "ids": [330] * 1024}, "1,024 tokens, which is the most"),
    ("write", "no room", {**WRITE, "prompt": "天" * 8000}, "model sft has 8,192 positions"),
]


def one_line(said: Said, status: int) -> str:
    assert said.status == status, said.text
    assert said.json.keys() == {"error"} and said.headers["cache-control"] == "no-store"
    line = str(said.json["error"])
    assert "\n" not in line and "Traceback" not in line and len(line) < 500
    return line


@pytest.mark.parametrize(
    ("path", "body", "fragment"), [(q[0], q[2], q[3]) for q in QUESTIONS], ids=[q[1] for q in QUESTIONS]
)
def test_a_question_that_cannot_be_answered_gets_one_line(
    live_server: Server, path: str, body: Any, fragment: str
) -> None:
    assert fragment in one_line(live_server.ask(f"/live/{path}", body), 400)


@pytest.mark.parametrize(
    ("headers", "status", "fragment"),
    [
        ({"Host": "evil.example"}, 403, "127.0.0.1 and localhost alone"),
        ({"Host": "127.0.0.1"}, 403, "127.0.0.1 and localhost alone"),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 403, "127.0.0.1 and localhost alone"),
        ({"Origin": "http://evil.example"}, 403, "(Origin)"),
        ({"Origin": "null"}, 403, "(Origin)"),
        ({"Origin": None}, 403, "(Origin)"),
        ({"Origin": "http://127.0.0.1:1"}, 403, "(Origin)"),
        ({"Sec-Fetch-Site": "cross-site"}, 403, "(Sec-Fetch-Site)"),
        ({"Sec-Fetch-Site": "same-site"}, 403, "(Sec-Fetch-Site)"),
        ({"X-TDS-Token": None}, 403, "load it again"),
        ({"X-TDS-Token": "x"}, 403, "load it again"),
        ({"X-TDS-Token": "é"}, 403, "load it again"),
        ({"Content-Type": "text/plain"}, 415, "application/json"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415, "application/json"),
        ({"Content-Type": None}, 415, "application/json"),
    ],
)
def test_only_its_own_page_may_ask(live_server: Server, headers: Headers, status: int, fragment: str) -> None:
    assert fragment in one_line(live_server.ask("/live/write", WRITE, headers), status)
    assert live_server.ask("/live/write", WRITE).status == 200


def test_what_is_too_long_or_no_question_at_all(live_server: Server) -> None:
    assert "256,000 bytes" in one_line(live_server.ask("/live/read", b"[" + b" " * 300_000), 413)
    assert one_line(live_server.ask("/live/read"), 405)
    assert one_line(live_server.ask("/live/describe", {}), 405)
    assert one_line(live_server.ask("/live/read", headers={"Origin": "http://a.b"}, method="OPTIONS"), 405)
    for said in (live_server.ask("/live/none", {}), live_server.ask("/live/read", WRITE, {"Origin": "http://a.b"})):
        assert said.status in (403, 404, 405) and not [h for h in said.headers if h.startswith("access-control")]


def test_of_two_questions_at_once_one_is_told_to_ask_again(live_server: Server) -> None:
    said: list[Said] = []

    def ask(last: int) -> None:
        said.append(live_server.ask("/live/read", {**LONG, "ids": [*LONG["ids"], last]}))

    threads = [threading.Thread(target=ask, args=(last,)) for last in (16, 17, 18)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    busy = [one for one in said if one.status != 200]
    assert len(busy) == 2 and len(said) == 3
    assert all("busy" in one_line(one, 503) and one.headers["retry-after"] == "1" for one in busy)
    assert live_server.ask("/live/write", WRITE).status == 200


def test_the_site_around_it_is_as_elsewhere_but_for_a_way_to_the_page(live_server: Server, made_project: Path) -> None:
    site = made_project / "root" / "sub" / "atlas"
    for path in ("/", "/findings/how-much.html", "/live.html"):
        page = live_server.ask(path, headers={"Origin": None})
        assert page.status == 200 and page.text.count('<a href="/live.html"') == 2
        policy = page.headers["content-security-policy"]
        assert "connect-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe-eval'" in policy
        assert "'unsafe-inline'" not in policy.split("style-src")[0] and page.headers["cache-control"] == "no-store"
        assert (live_server.token in page.text) == (path == "/live.html")
    assert '"live.html"' not in (site / "index.html").read_text(encoding="utf-8")
    assert live_server.ask("/assets/js/dom.js").text == (site / "assets/js/dom.js").read_text(encoding="utf-8")
    part = live_server.ask("/assets/js/dom.js", headers={"Range": "bytes=3-9"})
    assert part.status == 206 and part.text == (site / "assets/js/dom.js").read_text(encoding="utf-8")[3:10]
    for path in ("/none.html", "/examples/", "/../made.duckdb", "/%2e%2e/%2e%2e/%2e%2e/made.duckdb"):
        missing = live_server.ask(path, headers={"Origin": None})
        assert missing.status == 404 and "made.duckdb" not in missing.text
