"""Hook wrappers: functions of plugins around a call that the registry makes itself.

The protocol is pluggy's (https://pluggy.readthedocs.io/en/stable/#wrappers): a generator function
that yields once, is sent the result, and returns the one that the caller gets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pluggy

from netspec.declaration import Refusal
from netspec.diagnostics.failure import failure
from netspec.plugin_calls import Fault, call_rule

#: Reports that a wrapper failed: the implementation and why.
Disable = Callable[[Any, str], object]


def is_wrapper(implementation: Any) -> bool:
    return bool(implementation.wrapper or implementation.hookwrapper)


def call_wrapped(
    wrappers: Sequence[Any],
    arguments: Mapping[str, Any],
    inner: Callable[[], Any],
    fault: Callable[[Any], str],
    disable: Disable,
) -> Any:
    """Call ``inner`` inside of wrappers, the last of them outermost.

    A wrapper that fails, or returns a result in which ``fault`` finds a mistake, is passed to
    ``disable``; the result is then the one that it was given.

    Raises:
        Exception: ``inner`` raised it and no wrapper caught it.
        Refusal: a wrapper refuses.
    """
    for wrapper in wrappers:
        inner = partial(_around, wrapper, arguments, inner, fault, disable)
    return inner()


def _around(
    wrapper: Any,
    arguments: Mapping[str, Any],
    inner: Callable[[], Any],
    fault: Callable[[Any], str],
    disable: Disable,
) -> Any:
    given = [arguments[name] for name in wrapper.argnames]
    try:
        generator = call_rule(lambda: wrapper.function(*given))
        call_rule(lambda: next(generator, None))
    except Refusal:
        raise
    except Exception as problem:
        disable(wrapper, _reason(problem))
        return inner()
    outcome = pluggy.Result.from_call(inner)
    try:
        result = call_rule(lambda: _resumed(wrapper, generator, outcome))
        problem_found = "" if result is None else fault(result)
    except Refusal:
        raise
    except Exception as problem:
        if problem is outcome.exception:
            raise
        problem_found = _reason(problem)
    if not problem_found:
        return result
    disable(wrapper, problem_found)
    return outcome.get_result()


def _resumed(wrapper: Any, generator: Any, outcome: pluggy.Result[Any]) -> Any:
    """The result of a wrapper that has the call's outcome.

    Raises:
        Exception: the wrapper raises it, or the call did.
    """
    try:
        if wrapper.hookwrapper:
            generator.send(outcome)
        elif outcome.exception is not None:
            generator.throw(outcome.exception)
        else:
            generator.send(outcome.get_result())
    except StopIteration as stop:
        return outcome.get_result() if wrapper.hookwrapper else stop.value
    generator.close()
    raise Fault("it yields more than once")


def _reason(problem: Exception) -> str:
    return str(problem) if isinstance(problem, Fault) else failure(problem)
