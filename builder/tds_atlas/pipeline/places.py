"""The places that a run writes to, before it measures: what stands there must be of tds, or nothing."""

from __future__ import annotations

from tds_atlas.domain import InputError
from tds_atlas.inputs.outputs import DOCS
from tds_atlas.pipeline.plan import Plan
from tds_atlas.record.bucket import bucket_at
from tds_atlas.record.store import is_current
from tds_atlas.report.own_folders import check_docs, check_site


def check_places(plan: Plan) -> None:
    """Raises InputError for what a run would replace, or cannot, only after hours of measuring."""
    output = plan.report.output
    if isinstance(output.shards, str):
        bucket_at(output.shards).check()
    elif output.shards.exists() and not output.shards.is_dir():
        raise InputError(f"{output.shards}: not a folder; name another in output.shards")
    is_current(output.database, "")
    check_docs(DOCS)
    check_site(output.site)
