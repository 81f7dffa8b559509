"""Outcomes of numbered verification steps, and the runner that turns a raised error into one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import ParamSpec, TypeVar

from trust.errors import StepUndecided, TrustError, UnknownContent

LAST_STEP = 13
"""Steps 14 to 18 are recognition's."""

P = ParamSpec("P")
T = TypeVar("T")


class StepStatus(StrEnum):
    """Result of one numbered step."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    UNDECIDED = "UNDECIDED"
    NOT_REQUIRED = "NOT_REQUIRED"


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """One step's result. `reason` is a stable code and `message` a sentence; both are empty when it passed."""

    number: int
    status: StepStatus
    reason: str = ""
    message: str = ""


_outcome = lru_cache(maxsize=1_024)(StepOutcome)
"""One object for equal outcomes: there are few of them, and what is said of them is remembered by identity."""

_PASSED = tuple(StepOutcome(number, StepStatus.PASS) for number in range(LAST_STEP + 1))


def run(number: int, check: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> StepOutcome:
    """The outcome of one check.

    StepUndecided and UnknownContent leave the step UNDECIDED, every other TrustError fails it. Anything else is a
    fault of ours and passes through: a verifier that swallowed it could answer.
    """
    return attempt(number, check, *args, **kwargs)[0]


def attempt(number: int, check: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> tuple[StepOutcome, T | None]:
    """The outcome of one check as by `run` and, when it passed, what it returned."""
    try:
        return _PASSED[number], check(*args, **kwargs)
    except (StepUndecided, UnknownContent) as error:
        return _outcome(number, StepStatus.UNDECIDED, error.reason, error.message), None
    except TrustError as error:
        return _outcome(number, StepStatus.FAIL, error.reason, error.message), None


def unreached(number: int) -> StepOutcome:
    """The outcome of a step that had nothing to work on, because an earlier one did not pass."""
    message = "an earlier step left nothing to check here: see why it did not pass"
    return _outcome(number, StepStatus.UNDECIDED, "NOT_REACHED", message)


def not_required(number: int) -> StepOutcome:
    """The outcome of a step that our trust certificate does not ask for."""
    return _outcome(number, StepStatus.NOT_REQUIRED)
