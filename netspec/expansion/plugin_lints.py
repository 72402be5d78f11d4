"""What the lints of plugins find in a plan, at its places in the text."""

from __future__ import annotations

from netspec.declaration import Finding
from netspec.diagnostics import Diagnostics
from netspec.planning import Plan
from netspec.registry import Registry
from netspec.spec import Origin


def report_plugin_lints(plan: Plan, origin: Origin, registry: Registry, found: Diagnostics) -> None:
    """Adds a warning for each finding, and one for each plugin that is disabled for its lint."""
    for plugin, finding in registry.lint(plan):
        if not isinstance(finding, Finding):
            found.warning("plugin-disabled", f"a plugin is disabled: {finding}", origin.span())
            continue
        module = plan.module(finding.path)
        assert module is not None
        at = module.origin
        found.warning(
            f"{plugin.name}.{finding.code}",
            finding.message,
            at.argument(finding.argument) if finding.argument else at.span(),
            notes=[f"`{finding.path}`, says {plugin}"] if finding.path else [f"says {plugin}"],
            help=finding.help.split("\n"),
        )
