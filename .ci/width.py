"""No line of SQL, CSS or JavaScript is longer than one of Python may be. Formatters leave long strings and comments."""

from __future__ import annotations

import sys
from pathlib import Path

WIDTH = 120
FILES = ("builder/**/*.sql", "site_src/assets/css/*.css", "site_src/assets/js/*.js", "builder/**/*.js", ".ci/**/*.py")


def main() -> int:
    """How many lines are."""
    faults = 0
    for path in sorted(path for pattern in FILES for path in Path().glob(pattern)):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if len(line) > WIDTH:
                faults += 1
                print(f"{path}:{number}: {len(line)} characters, {WIDTH} are allowed")
    return faults


if __name__ == "__main__":
    sys.exit(bool(main()))
