"""What native code writes to the terminal by itself: a panic of the tokenizers' Rust is a backtrace of many lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile

_STDERR = 2


@contextmanager
def native_stderr_held() -> Iterator[None]:
    """Hold back what is written to standard error: passed on at the end, dropped if the block raises, since the error
    says it in one line."""
    try:
        kept = os.dup(_STDERR)
    except OSError:  # closed: nothing can be written to it
        yield
        return
    sys.stderr.flush()
    with TemporaryFile() as held:
        os.dup2(held.fileno(), _STDERR)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, _STDERR)
            os.close(kept)
        held.seek(0)
        os.write(_STDERR, held.read())
