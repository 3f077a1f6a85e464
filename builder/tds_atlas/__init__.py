"""TDS Atlas: measure token distribution shift between language models, and write the report of it.

The package is the command `tds` (`python -m tds_atlas`); floors.toml lists its rooms and what each may import.
"""

from tds_atlas.domain import InputError as InputError

__version__ = "0.1.0"
