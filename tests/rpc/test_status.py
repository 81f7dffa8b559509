"""The error table: a row for every class, a listed reason for everything that is raised."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from node import errors
from node.errors import HuxinError, InvalidInput, NotFound, NotReady
from node.rpc.reasons import REASONS
from node.rpc.status import STATUS_TABLE, refusal_of
from trust.errors import CertificateRejected

CLASSES = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, HuxinError)]
ROOT = Path(__file__).parents[2]
TELLING = {"NotFound", "NotEligible", "Conflict", "TooLarge", "NotPermitted", "NotAuthenticated", "NotReady"}
TELLING.add("IssuingStopped")


def no_incident() -> str:
    raise AssertionError("no incident is drawn for an error that is told")


@pytest.mark.parametrize("error_class", CLASSES)
def test_every_error_class_has_a_row(error_class: type[HuxinError]) -> None:
    row = STATUS_TABLE[error_class]
    assert row.code is not grpc.StatusCode.UNKNOWN
    assert row.reason in REASONS


def test_the_codes_are_those_that_the_error_tree_names() -> None:
    drawn = {}
    for line in (errors.__doc__ or "").splitlines():
        words = line.replace(",", " ").split()
        name = next((word for word in words if word[0].isupper() and hasattr(errors, word)), "")
        code = next((word for word in words if word in grpc.StatusCode.__members__), "INTERNAL")
        if name:
            drawn[name] = code
    assert {each.__name__: STATUS_TABLE[each].code.name for each in CLASSES} == drawn


def raised_reasons() -> Iterator[tuple[str, str]]:
    """(place, reason) of every literal reason that the node's own code gives an error that callers are told."""
    for path in sorted((ROOT / "node").rglob("*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        # The trust kernel has a TooLarge of its own, whose first argument is the sentence.
        kernel = {
            each.name
            for line in ast.walk(module)
            if isinstance(line, ast.ImportFrom) and line.module == "trust.errors"
            for each in line.names
        }
        for call in ast.walk(module):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id in kernel:
                continue
            name = call.func.id
            at = 0 if name in TELLING else 2 if name == "InvalidInput" else None
            if at is None:
                continue
            given = call.args[at : at + 1] + [each.value for each in call.keywords if each.arg == "reason"]
            for reason in given:
                if isinstance(reason, ast.Constant):
                    yield f"{path.relative_to(ROOT)}:{call.lineno}", str(reason.value)


def test_every_reason_that_is_raised_is_on_the_closed_list() -> None:
    missing = [f"{place} {reason}" for place, reason in raised_reasons() if reason not in REASONS]
    assert not missing, "add it to node/rpc/reasons.py, or raise a reason that is there"
    assert len(list(raised_reasons())) > 20


def test_a_reason_outside_the_list_is_replaced_by_its_classes_own() -> None:
    status = status_of(NotFound("SOMETHING_NEW", "None here."))
    info = error_details_pb2.ErrorInfo()
    status.details[0].Unpack(info)
    assert (info.reason, info.domain) == ("NOT_FOUND", "huxin")


def test_an_error_of_the_trust_kernel_is_no_answer() -> None:
    refusal = refusal_of(CertificateRejected("about a key"), lambda: "7")
    assert (refusal.code, refusal.incident) == (grpc.StatusCode.INTERNAL, "7")
    assert "key" not in refusal.message


def test_a_subclass_takes_the_row_of_its_nearest_ancestor() -> None:
    class NoSuchPage(NotFound):
        pass

    assert refusal_of(NoSuchPage("NOT_FOUND", "text"), no_incident).code is grpc.StatusCode.NOT_FOUND


def test_field_violations_and_retries() -> None:
    violation = error_details_pb2.BadRequest()
    assert status_of(InvalidInput("items[3].leaf", "Say which.")).details[1].Unpack(violation)
    assert violation.field_violations[0].field == "items[3].leaf"
    assert violation.field_violations[0].description == "Say which."
    retry = error_details_pb2.RetryInfo()
    assert status_of(NotReady("NOT_READY", "Wait.")).details[1].Unpack(retry)
    assert retry.retry_delay.seconds == 5


@pytest.mark.parametrize("reason", ["LOG_CLOSED", "LOG_NOT_FOUNDED"])
def test_where_an_operator_has_to_act_nobody_is_told_to_come_back_in_seconds(reason: str) -> None:
    status = status_of(NotReady(reason, "The operator founds the log."))
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.reason == reason
    assert len(status.details) == 1, "no RetryInfo"


def status_of(error: HuxinError) -> status_pb2.Status:
    ((key, value),) = refusal_of(error, no_incident).trailing_metadata
    assert key == "grpc-status-details-bin"
    assert isinstance(value, bytes)
    return status_pb2.Status.FromString(value)
