"""TDS Atlas: measure token distribution shift between language models and write the report of it.

Floors, lowest first: domain, config, progress; measure (torch); record (duckdb); report (altair, jinja2); stages and
__main__, where they meet. A lower floor never imports a higher one.
"""

__version__ = "0.1.0"
