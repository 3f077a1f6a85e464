"""A bucket of an object store: objects written and read whole, tried again within limits, refused in one line.

Knows nothing of shards. Keys come from the environment, or from what AWS and Google Cloud keep on a machine for their
own tools; none is kept, written down or printed. An object appears whole or not at all, but there is no renaming:
what must appear once is put where nothing stands.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from tds_atlas.domain import InputError, one_line
from tds_atlas.record.bucket_errors import refusal

RETRIES = 8
_BACK_OFF = {"init_backoff": timedelta(seconds=0.5), "max_backoff": timedelta(seconds=15), "base": 2}  # half a minute
_RETRY = {"max_retries": RETRIES, "backoff": _BACK_OFF, "retry_timeout": timedelta(minutes=3)}
_CLIENT = {"timeout": timedelta(minutes=10), "connect_timeout": timedelta(seconds=10)}
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_FRESH = 10.0  # seconds for which a listing is believed: another worker's shard may be unknown for so long
_EXTRAS = {"s3": "s3", "gs": "gcs"}


@cache
def bucket_at(url: str) -> Bucket:
    """The bucket of a URL, s3://BUCKET/PREFIX or gs://BUCKET/PREFIX: one for each process. Asks it nothing yet."""
    return Bucket(url)


class Bucket:
    """The objects below a prefix; paths are relative to it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._store: Any = None
        self._listings: dict[str, tuple[float, set[str]]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process opens it anew, with its own environment."""
        return bucket_at, (self.url,)

    def check(self) -> None:
        """Raises InputError unless the bucket is there and may be listed."""
        with self._refused():
            next(iter(self._obstore.list(self._opened())), None)

    def names(self, folder: str) -> set[str]:
        """The paths of all objects in a folder."""
        with self._refused():
            return {entry["path"] for part in self._obstore.list(self._opened(), folder) for entry in part}

    def listing(self, folder: str) -> set[str]:
        """The same, some seconds old: for many questions at once. What this process has put or deleted is in it."""
        read, _ = self._listings.get(folder, (-_FRESH, set[str]()))
        if time.monotonic() - read > _FRESH:
            self._listings[folder] = time.monotonic(), self.names(folder)
        return self._listings[folder][1]

    def get(self, path: str) -> memoryview | None:
        """An object's bytes, or None if there is none."""
        with self._refused():
            try:
                return memoryview(self._obstore.get(self._opened(), path).bytes())
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise
        return None

    def put(self, path: str, content: bytes | memoryview) -> None:
        """Write an object in one request: of several parts those of a killed process would stay, unseen and paid."""
        with self._refused():
            self._obstore.put(self._opened(), path, content, use_multipart=False)
        self._note(path)

    def put_new(self, path: str, content: bytes) -> bool:
        """Write an object where none is. Returns whether it was this call that did: of all who try, one does."""
        with self._refused():
            try:
                self._obstore.put(self._opened(), path, content, mode="create")
            except self._obstore.exceptions.AlreadyExistsError:
                self._note(path)
                return bytes(self.get(path) or b"") == content  # a request may succeed and its answer be lost
        self._note(path)
        return True

    def delete(self, paths: Iterable[str]) -> None:
        with self._refused():
            for path in paths:
                self._note(path, there=False)
                self._obstore.delete(self._opened(), path)

    def _note(self, path: str, there: bool = True) -> None:
        for folder, (_, names) in self._listings.items():
            if path.startswith(f"{folder}/"):
                (names.add if there else names.discard)(path)

    @property
    def _obstore(self) -> Any:
        try:
            import obstore.exceptions
            import obstore.store
        except ImportError:
            extra = _EXTRAS[urlsplit(self.url).scheme]
            needs = f"needs the extra `{extra}`: pip install 'tds-atlas[{extra}]'"
            raise InputError(f"output.shards: {self.url}: {needs}") from None
        return obstore

    def _opened(self) -> Any:
        if self._store is None:
            more = _of_aws() if urlsplit(self.url).scheme == "s3" else {"client_options": _CLIENT}
            self._store = self._obstore.store.from_url(self.url, retry_config=_RETRY, **more)
        return self._store

    @contextmanager
    def _refused(self) -> Iterator[None]:
        """What the store refuses as an InputError: one line."""
        problems = (self._obstore.exceptions.BaseError, FileNotFoundError, ValueError)
        try:
            yield
        except problems as error:
            raise InputError(f"{self.url}: {refusal(error, urlsplit(self.url).scheme, RETRIES)}") from None


def _of_aws() -> Mapping[str, Any]:
    """Settings of S3: who signs, and whether a server at http:// was named; it never sees a key, only signatures."""
    plain = any(os.environ.get(name, "").startswith("http://") for name in _ENDPOINTS)
    settings: dict[str, Any] = {"client_options": _CLIENT | {"allow_http": plain}, "disable_bulk_delete": True}
    unsigned = os.environ.get("AWS_SKIP_SIGNATURE", "").lower() in ("1", "true")
    if "AWS_ACCESS_KEY_ID" not in os.environ and not unsigned and find_spec("boto3"):
        from botocore.exceptions import BotoCoreError
        from obstore.auth.boto3 import Boto3CredentialProvider

        try:
            settings["credential_provider"] = Boto3CredentialProvider()  # profiles, single sign-on, roles
        except BotoCoreError as error:
            raise ValueError(f"credentials: {one_line(error)}") from None
    return settings
