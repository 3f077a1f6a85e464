"""What an object store says when it refuses, as one line with a remedy. Whole answers may quote what was signed."""

from __future__ import annotations

import os
import re

from tds_atlas.domain import one_line, printable

_LATER = "run again later; finished shards are kept"
_KEYS = {
    "s3": "the environment's keys (AWS_ACCESS_KEY_ID, AWS_PROFILE) and the bucket's policy",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS (or gcloud auth application-default login) and the bucket's policy",
}
_REGION = re.compile(r"PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocation|without LOCATION|status code: 30")
_SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GOOGLE_BEARER_TOKEN")
_MOST = 200  # characters quoted


def refusal(error: Exception, kind: str, retries: int) -> str:
    """What went wrong, and what would help; `kind` is s3 or gs."""
    text = str(error)
    status, code = _found(r"status code: (\d{3})", text), _found(r"<Code>([^<]{1,80})</Code>", text)
    said = ": ".join(filter(None, (code or status, _found(r"<Message>([^<]*)</Message>", text))))
    if code == "NoSuchBucket" or (status == "404" and not code):
        return "no such bucket; create it, or name another in output.shards"
    if _REGION.search(text):
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "the default, us-east-1"
        wanted = _found(r"<Region>([^<]{1,40})</Region>", text) or _found(r"expecting '([\w-]{1,40})'", text)
        remedy = f"{wanted}: set AWS_REGION={wanted}" if wanted else "another: set AWS_REGION"
        return f"the bucket is not in the region asked ({region}) but in {remedy}"
    if status in ("401", "403"):
        return f"refused ({_quoted(said)}); look at {_KEYS[kind]}"
    if status and (status >= "500" or status in ("408", "429")):
        return f"the store fails ({_quoted(said)}), tried {retries + 1} times; {_LATER}"
    if status:
        return f"refused ({_quoted(said)}); see output.shards"
    if re.search(r"redential|metadata|session\.get|token", text) and "error sending request" not in text[:400]:
        problem = f" ({_quoted(text.removeprefix('credentials: '))})" if text.startswith("credentials: ") else ""
        return f"no keys found{problem}; look at {_KEYS[kind]}"
    if "HTTP error" in text or "error sending request" in text:
        return f"no answer, tried {retries + 1} times: look at the network and AWS_ENDPOINT_URL; {_LATER}"
    return _quoted(one_line(error))


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1] if match else ""


def _quoted(text: str) -> str:
    """As one line of bounded length, without keys."""
    for name in _SECRETS:
        if os.environ.get(name):
            text = text.replace(os.environ[name], "...")
    return printable(" ".join(text.split()))[:_MOST]
