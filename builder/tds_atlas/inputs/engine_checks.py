"""What a report asks of the engines that its models run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tds_atlas.inputs.report_file import Report


def check_engines(report: Report) -> None:
    """Raises ValueError: probes need a model in this process; whoever gives lists alone has one arithmetic."""
    for name in type(report.probes).model_fields:
        probe = getattr(report.probes, name)
        named = getattr(probe, "comparisons", None) or [c.comparison_id for c in report.comparisons]
        for c in report.comparisons if probe else ():
            for model_id in (c.base.model, c.aligned.model) if c.comparison_id in named else ():
                kind = report.engine_of(model_id).kind
                if kind != "transformers":
                    problem = f"model {model_id} runs on {kind}, probes need transformers"
                    raise ValueError(f"probes.{name}: {problem}; leave {c.comparison_id} out")
    for source, condition in report.generated_sources().items():
        if report.engine_of(condition.model_id).kind == "recorded":
            raise ValueError(f"comparisons: {source} is recorded and writes no answers: name their file in responses")
        if report.generate.sampling and report.engine_of(condition.model_id).kind == "served":
            problem = f"{source} is served, and what a server draws cannot be had again by a seed for certain"
            raise ValueError(f"generate.temperature: {problem}; leave it out, or name a file of answers in responses")
    for name in report.models:
        contexts = {c.context_id for c in report.conditions_used() if c.model_id == name}
        if report.engine_of(name).kind == "recorded" and len(contexts) > 1:
            raise ValueError(f"models.{name}.engine: recorded in one context, used in {', '.join(sorted(contexts))}")
    for i, check in enumerate(report.noise):
        own = report.engine_of(check.model)
        if check.engine == own:
            raise ValueError(f"noise.{i}.engine: {own.kind} is the engine of model {check.model} itself")
        if check.arithmetic and not own.exact:
            raise ValueError(f"noise.{i}.arithmetic: model {check.model} runs on {own.kind}, as it is; give engine")
