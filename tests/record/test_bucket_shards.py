"""Shards in a bucket are what one writer wrote, or nothing: whatever happens to their objects is noticed."""

from __future__ import annotations

import pickle
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import repeat
from pathlib import Path

import pyarrow as pa
import pytest

from tds_atlas.domain import InputError
from tds_atlas.pipeline.work import mending
from tds_atlas.record import bucket as buckets
from tds_atlas.record.bucket import RETRIES, Bucket
from tds_atlas.record.bucket_shards import BucketShard, shard_at
from tests.object_store import KEYS, Gate, new_bucket, strangers_refused

META = {"seconds": 1.5, "device": "cpu"}
Damage = Callable[[Bucket, dict[str, str], dict[str, str]], object]


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundredth of a second instead of half a one."""
    monkeypatch.setitem(buckets._BACK_OFF, "init_backoff", timedelta(seconds=0.01))


def tables(shift: int = 0) -> dict[str, pa.Table]:
    ranks = pa.table({"response_id": ["a/1"] * 50 + ["a/2"] * 50, "rank": [shift + i for i in range(100)]})
    return {"score": ranks, "divergence": pa.table({"response_id": ["a/1", "a/2"], "js": [0.25, 0.5 + shift]})}


def shard_in(url: str, key: str = "a") -> BucketShard:
    """As another process sees it, which has listed nothing yet."""
    return BucketShard(Path(), "scores", key, Bucket(url))


def objects(shard: BucketShard) -> dict[str, str]:
    """The path of each object by what it holds: score, divergence, index."""
    names = Bucket(shard.bucket.url).names(shard.folder.as_posix())
    return {Path(name).stem.split("-")[0]: name for name in names}


def content(bucket: Bucket, path: str) -> bytearray:
    return bytearray(bucket.get(path) or b"")


def flipped(name: str, place: float) -> Damage:
    def damage(bucket: Bucket, own: dict[str, str], _: dict[str, str]) -> None:
        changed = content(bucket, own[name])
        changed[int(place * (len(changed) - 1))] ^= 4
        bucket.put(own[name], bytes(changed))

    return damage


def swapped(name: str) -> Damage:
    return lambda bucket, own, other: bucket.put(own[name], bytes(content(bucket, other[name])))


DAMAGES: dict[str, Damage] = {}
for name in ("score", "divergence", "index"):
    DAMAGES |= {f"{name}: flip {place}": flipped(name, place) for place in (0, 0.3, 0.5, 0.9, 1)}
    DAMAGES |= {f"{name}: swapped": swapped(name)}
    DAMAGES[f"{name}: cut"] = lambda b, own, _, name=name: b.put(own[name], bytes(content(b, own[name])[:-9]))
    DAMAGES[f"{name}: emptied"] = lambda b, own, _, name=name: b.put(own[name], b"")
DAMAGES |= {f"{n}: removed": lambda b, own, _, n=n: b.delete([own[n]]) for n in ("score", "divergence")}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_no_damage_passes_and_each_is_mended(damage: Damage, bucket_url: str, capsys: pytest.CaptureFixture) -> None:
    shard, other = shard_in(bucket_url), shard_in(bucket_url, "b")
    shard.write(tables(), META)
    other.write(tables(shift=1), META)
    damage(Bucket(bucket_url), objects(shard), objects(other))
    got = []

    @mending
    def step() -> None:
        if not shard.exists():
            shard.write(tables(), META)
        got.append(({name: shard.read(name) for name in tables()}, shard.meta()))

    step()
    assert got == [(tables(), META)]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{bucket_url}/scores/a/") and line.endswith("; it is measured anew")
    assert set(objects(shard)) == {"score", "divergence", "index"} and len(Bucket(bucket_url).names("scores")) == 6


def test_a_shard_is_read_back_as_it_was_written(bucket_url: str) -> None:
    written = shard_in(bucket_url)
    assert not written.exists()
    written.write(tables(), META)
    for shard in (written, shard_in(bucket_url), pickle.loads(pickle.dumps(shard_at(bucket_url, "scores", "a")))):
        assert shard.exists() and shard.meta() == META and shard.read("score").equals(tables()["score"])
        with shard.file("divergence") as path:
            assert shard.columns(path) == ("response_id", "js")
        assert not path.exists()
    with pytest.raises(InputError, match=rf"^{bucket_url}/scores/b: not measured yet"):
        shard_in(bucket_url, "b").read("score")


def test_what_a_killed_writer_left_is_no_shard_and_goes_with_the_next_one(bucket_url: str) -> None:
    shard = shard_in(bucket_url)
    Bucket(bucket_url).put("scores/a/score-01234567.parquet", b"half of a shard")
    assert not shard.exists()
    shard.write(tables(), META)
    assert len(Bucket(bucket_url).names("scores")) == 3 and shard.read("score").equals(tables()["score"])


def test_of_many_writers_at_once_one_wins_whole(bucket_url: str) -> None:
    """Each writes other numbers: tables of two must never stand beside each other."""
    start = threading.Barrier(8)

    def write(number: int) -> None:
        shard = shard_in(bucket_url)
        start.wait()
        shard.write(tables(shift=number), {"writer": number})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shard = shard_in(bucket_url)
    winner = shard.meta()["writer"]
    assert {name: shard.read(name) for name in tables()} == tables(shift=winner)
    assert len(Bucket(bucket_url).names("scores")) == 3


def test_whoever_comes_second_takes_the_copy_of_the_first(bucket_url: str) -> None:
    first, second = shard_in(bucket_url), shard_in(bucket_url)
    first.write(tables(), META)
    second.write(tables(shift=1), {"seconds": 9})
    assert second.read("divergence") == tables()["divergence"] and second.meta() == META
    first.remove()  # which is not damaged
    assert shard_in(bucket_url).exists()


def test_a_kind_is_listed_once_for_all_its_shards(
    s3_server: str, bucket_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while there is none; what this process writes is known without asking."""
    gate = Gate(s3_server, iter(()))
    monkeypatch.setenv("AWS_ENDPOINT_URL", gate.address)
    bucket = Bucket(bucket_url)
    shards = [BucketShard(Path(), "scores", str(number), bucket) for number in range(20)]
    assert not any(shard.exists() for shard in shards) and gate.asked == 1
    shards[3].write(tables(), META)
    asked = gate.asked
    assert [shard.exists() for shard in shards].count(True) == 1 and gate.asked == asked
    bucket.delete(["scores/3/index.json"])
    assert not shards[3].exists()


@pytest.mark.usefixtures("short_waits")
def test_a_busy_store_is_asked_again_and_an_answer_that_is_lost_costs_nothing(
    s3_server: str, bucket_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503, 429 and 500 before each request, and a first put of the index that succeeds without an answer."""
    busy = [(503, "<Error><Code>SlowDown</Code></Error>"), (429, ""), None, (500, ""), None, Gate.LOST]
    gate = Gate(s3_server, iter(busy))
    monkeypatch.setenv("AWS_ENDPOINT_URL", gate.address)
    shard = shard_in(bucket_url)
    shard.write(tables(), META)
    assert gate.asked > len(busy) and len(Bucket(bucket_url).names("scores")) == 3
    assert {name: shard.read(name) for name in tables()} == tables()


NO_REGION = "<Error><Code>PermanentRedirect</Code><Message>The bucket you are attempting to access</Message></Error>"
REGION = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>us-west-2</Region></Error>"
SIGNED = f"<Error><Code>AccessDenied</Code><Message>{KEYS['AWS_ACCESS_KEY_ID']} may not</Message></Error>"
REFUSALS = {
    (301, NO_REGION): r"the bucket is not in the region asked \(eu-central-1\) but in another: set AWS_REGION",
    (400, REGION): r"the bucket is not in the region asked \(eu-central-1\) but in us-west-2: set AWS_REGION=us-west-2",
    (403, SIGNED): r"refused \(AccessDenied: ... may not\); look at the environment's keys .*",
    (501, "<Error><Code>NotImplemented</Code></Error>"): r"the store fails \(NotImplemented\), .*",
}


@pytest.mark.parametrize(("answer", "line"), REFUSALS.items(), ids=[str(status) for status, _ in REFUSALS])
@pytest.mark.usefixtures("short_waits")
def test_a_refusal_is_one_line(
    s3_server: str, bucket_url: str, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, str], line: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", Gate(s3_server, repeat(answer)).address)
    for ask in (lambda b: b.check(), lambda b: b.get("x"), lambda b: b.put("x", b""), lambda b: b.put_new("x", b"")):
        with pytest.raises(InputError, match=rf"^{bucket_url}: {line}$") as raised:
            ask(Bucket(bucket_url))
        assert "\n" not in str(raised.value)
        if answer[0] >= 500:
            break  # once is long enough


@pytest.mark.usefixtures("short_waits")
def test_a_store_that_stays_busy_is_given_up_after_longer_and_longer_waits(
    s3_server: str, bucket_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(s3_server, repeat((503, "<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>")))
    monkeypatch.setenv("AWS_ENDPOINT_URL", gate.address)
    start = time.monotonic()
    with pytest.raises(InputError, match=r"the store fails \(SlowDown: Reduce your rate.\), tried 9 times; run again"):
        shard_in(bucket_url).exists()
    assert gate.asked == RETRIES + 1 and 0.1 < time.monotonic() - start < 60


def test_a_server_that_knows_no_key_and_a_bucket_that_is_not_there(s3_server: str, bucket_url: str) -> None:
    with (
        strangers_refused(),
        pytest.raises(InputError, match=rf"^{bucket_url}: refused \(InvalidAccessKeyId: .*\); look at"),
    ):
        Bucket(bucket_url).check()
    Bucket(bucket_url).check()
    gone = new_bucket(s3_server).replace("made", "never-made")
    for ask in (lambda b: b.check(), lambda b: b.get("x"), lambda b: b.put("x", b"")):
        with pytest.raises(InputError, match=rf"^{gone}: no such bucket; create it, or name another in output.shards$"):
            ask(Bucket(gone))


@pytest.mark.usefixtures("short_waits")
def test_a_network_without_an_answer_is_one_line(bucket_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(
        InputError, match=rf"^{bucket_url}: no answer, tried 9 times: look at the network and AWS_ENDPOINT"
    ):
        Bucket(bucket_url).check()


@pytest.mark.parametrize(("url", "extra"), [("s3://some-bucket/x", "s3"), ("gs://some-bucket", "gcs")])
def test_a_missing_package_is_one_line(url: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(
        InputError, match=rf"^output.shards: {url}: needs the extra `{extra}`: pip install 'tds-atlas\[{extra}\]'$"
    ):
        Bucket(url).check()


def without_keys(monkeypatch: pytest.MonkeyPatch, folder: Path, profiles: str) -> None:
    """As on a machine whose user has profiles instead, and that is none of Amazon's."""
    (folder / "profiles").write_text(profiles, encoding="utf-8")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.delenv(name)
    for name, value in (("SHARED_CREDENTIALS_FILE", folder / "profiles"), ("CONFIG_FILE", folder / "none")):
        monkeypatch.setenv(f"AWS_{name}", str(value))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_the_keys_of_a_profile_are_found(bucket_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keys = "aws_access_key_id = AKIAMADEUP\naws_secret_access_key = x\nregion = eu-central-1\n"
    without_keys(monkeypatch, tmp_path, f"[work]\n{keys}")
    monkeypatch.setenv("AWS_PROFILE", "work")
    shard_in(bucket_url).write(tables(), META)
    assert shard_in(bucket_url).exists()


@pytest.mark.parametrize(("profile", "problem"), [("", ""), ("another", r" \(The config profile \(another\) .*\)")])
def test_where_there_are_no_keys_a_line_says_so(
    bucket_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: str, problem: str
) -> None:
    without_keys(monkeypatch, tmp_path, "")
    if profile:
        monkeypatch.setenv("AWS_PROFILE", profile)
    line = rf"no keys found{problem}; look at the environment's keys \(AWS_ACCESS_KEY_ID, AWS_PROFILE\) and the bucket's policy"
    with pytest.raises(InputError, match=rf"^{bucket_url}: {line}$"):
        Bucket(bucket_url).check()
