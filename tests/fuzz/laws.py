"""What holds for every document: nothing but a SpecError, and what `check` accepts works."""

from __future__ import annotations

import json
import traceback
from contextlib import suppress
from typing import Any

import netspec
from netspec.api import check_text
from netspec.planning import Plan
from netspec.render.table import plan_table
from netspec.render.values import plan_values
from netspec.sizes import SizeLimit
from netspec.spec import Spec

LARGEST = 300  # layers of a model that is built


def broken(tree: dict[str, Any], *, build: bool = True) -> str | None:
    """What the document breaks, in words with the place in the code; None where all is well."""
    step = "check"
    try:
        text = json.dumps(tree)  # JSON is YAML, but for what Python writes for infinities
        check_text(text)
        found = _errors(tree)
        if found:
            return None
        step = "from_dict"
        spec = netspec.from_dict(tree)
        step = "to_yaml"
        if not same(netspec.loads(spec.to_yaml()), spec):
            return "to_yaml: another spec"
        for variant in [None, *[one.name for one in spec.variants[:2]]]:
            if variant is None and not all(param.is_given for param in spec.params):
                continue
            step = "plan"
            plan = netspec.plan(spec, variant=variant)
            step = "show"
            _show(plan)
            if build and len(plan.layers) <= LARGEST:
                step = "build"
                netspec.build(plan, device="meta")
    except netspec.SpecError as error:
        if {one.code for one in error.diagnostics} == {"no-device"}:
            return None  # another machine may have it
        codes = sorted({one.code for one in error.diagnostics if one.severity == "error"})
        return f"{step}: accepted by check, but {', '.join(codes)}"
    except Exception as problem:
        frames = traceback.extract_tb(problem.__traceback__)
        last = [frame for frame in frames if "/netspec" in frame.filename][-1]
        return f"{step}: {type(problem).__name__} in {last.name}: {str(problem)[:120]}"
    return None


def _errors(tree: dict[str, Any]) -> list[netspec.Diagnostic]:
    try:
        spec = netspec.from_dict(tree)
    except netspec.SpecError as error:
        return list(error.diagnostics)
    found = netspec.check(spec)
    for one in found:
        str(one)
    return [one for one in found if one.severity == "error"]


def same(one: Spec, other: Spec) -> bool:
    """Whether two specs are equal, where a number that is none equals itself."""
    return one == other or repr(one) == repr(other)


def _show(plan: Plan) -> None:
    with suppress(SizeLimit):  # as they are documented to raise
        _ = plan.total_params, plan.total_macs, plan.saved_for_backward()
    plan_table(plan)
    json.dumps(plan_values(plan))
    repr(plan)
