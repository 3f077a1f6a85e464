"""A strict Content-Security-Policy for every page of a hosted site. From file:// it would forbid everything.

Inline scripts are allowed by their hash, WebAssembly (search, the SQL console) may be compiled, nothing else is
evaluated, and nothing is fetched from another host. Styles may be inline: charts set theirs on elements.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from tds_atlas.parts import write_file

_INLINE = re.compile(r"<script(?![^>]*\bsrc=)([^>]*)>(.*?)</script>", re.DOTALL)
_MARK = '<meta http-equiv="Content-Security-Policy"'


def add_policy(site: Path) -> int:
    """Write the policy into every page that has none. Returns the number of pages changed."""
    count = 0
    for path in sorted(site.rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        head = text.find("<head>")
        if head >= 0 and _MARK not in text:
            place = head + len("<head>")
            meta = f'{_MARK} content="{policy(text)}">'
            write_file(path, text[:place] + meta + text[place:])
            count += 1
    return count


def policy(page: str) -> str:
    """The policy of one page, with the hashes of its inline scripts."""
    inline = [body for kind, body in _INLINE.findall(page) if "application/json" not in kind]
    hashes = " ".join(dict.fromkeys(f"'sha256-{_hash(body)}'" for body in inline))
    return (
        f"default-src 'none'; script-src 'self' 'wasm-unsafe-eval' {hashes}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self'; connect-src 'self' blob:; worker-src 'self' blob:; "
        "manifest-src 'self'; base-uri 'none'; form-action 'none'"
    )


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
