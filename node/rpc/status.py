"""The one table that turns errors into gRPC status with `google.rpc.Status` details.

Every refusal carries an ErrorInfo whose `reason` is from the closed list below and whose `domain` is `huxin`;
InvalidInput adds a BadRequest with the field, NotReady and OverLimit a RetryInfo, unless an operator has to act first.
Errors that are this node's own trouble (BadSource, BadConfiguration, anything that is no HuxinError) become INTERNAL
with one fixed sentence and the number of the incident under which the log has the rest: their texts may name files or
keys and never leave.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from node.errors import (
    BadConfiguration,
    BadSource,
    Conflict,
    HuxinError,
    InvalidInput,
    IssuingStopped,
    NotAuthenticated,
    NotEligible,
    NotFound,
    NotPermitted,
    NotReady,
    OverLimit,
    TooLarge,
)
from node.rpc.reasons import REASONS

DOMAIN = "huxin"
RETRY_SECONDS = 5
"""After how long a caller may try again when the node is not ready."""


UNTIL_SOMEBODY_ACTS = frozenset({"LOG_CLOSED", "LOG_NOT_FOUNDED"})
"""Reasons of NotReady that end when an operator has acted: trying again in seconds does not help."""


class MethodUnknown(HuxinError):
    """A method that this node does not have."""

    def __init__(self) -> None:
        super().__init__("METHOD_UNKNOWN", "This node has no such method; ask its reflection service what it has.")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table. `reason` stands in when an error's own reason is not on the closed list."""

    code: grpc.StatusCode
    reason: str


STATUS_TABLE: dict[type[HuxinError], Row] = {
    HuxinError: Row(grpc.StatusCode.INTERNAL, "INTERNAL"),
    InvalidInput: Row(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
    NotFound: Row(grpc.StatusCode.NOT_FOUND, "NOT_FOUND"),
    NotEligible: Row(grpc.StatusCode.FAILED_PRECONDITION, "NOT_ELIGIBLE"),
    IssuingStopped: Row(grpc.StatusCode.FAILED_PRECONDITION, "OWN_LOG_SPLIT"),
    Conflict: Row(grpc.StatusCode.ALREADY_EXISTS, "CONFLICT"),
    TooLarge: Row(grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_LARGE"),
    OverLimit: Row(grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED"),
    NotPermitted: Row(grpc.StatusCode.PERMISSION_DENIED, "NOT_PERMITTED"),
    NotAuthenticated: Row(grpc.StatusCode.UNAUTHENTICATED, "NOT_AUTHENTICATED"),
    NotReady: Row(grpc.StatusCode.UNAVAILABLE, "NOT_READY"),
    MethodUnknown: Row(grpc.StatusCode.UNIMPLEMENTED, "METHOD_UNKNOWN"),
    BadSource: Row(grpc.StatusCode.INTERNAL, "INTERNAL"),
    BadConfiguration: Row(grpc.StatusCode.INTERNAL, "INTERNAL"),
}
"""Every class of `node/errors.py` has its own row; a subclass elsewhere takes that of its nearest ancestor."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a caller is told: code, sentence, details. `incident` is set when the true cause stays here."""

    code: grpc.StatusCode
    message: str
    trailing_metadata: tuple[tuple[str, str | bytes], ...]
    incident: str = ""


def refusal_of(error: Exception, new_incident: Callable[[], str]) -> Refusal:
    """The refusal for an error. An incident is drawn only when the error's own words are not told."""
    row = next((STATUS_TABLE[each] for each in type(error).__mro__ if each in STATUS_TABLE), None)
    if row is None or row.code is grpc.StatusCode.INTERNAL or not isinstance(error, HuxinError):
        return _internal(new_incident())
    reason = error.reason if error.reason in REASONS else row.reason
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN)]
    if isinstance(error, InvalidInput):
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=error.field, description=error.message, reason=reason
        )
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if isinstance(error, NotReady) and reason not in UNTIL_SOMEBODY_ACTS:
        details.append(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=RETRY_SECONDS)))
    if isinstance(error, OverLimit):
        details.append(error_details_pb2.RetryInfo(retry_delay=_duration(error.retry_seconds)))
    return Refusal(row.code, error.message, _details(row.code, error.message, details))


def _duration(seconds: float) -> Duration:
    whole, rest = divmod(math.ceil(seconds * 1000), 1000)  # never earlier than what is meant
    return Duration(seconds=whole, nanos=rest * 1_000_000)


def _internal(incident: str) -> Refusal:
    code = grpc.StatusCode.INTERNAL
    message = f"Something went wrong in this node. Tell its operator the incident number {incident}."
    info = error_details_pb2.ErrorInfo(reason="INTERNAL", domain=DOMAIN, metadata={"incident": incident})
    return Refusal(code, message, _details(code, message, [info]), incident)


def _details(code: grpc.StatusCode, message: str, details: list[Message]) -> tuple[tuple[str, str | bytes], ...]:
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in details:
        status.details.add().Pack(detail)
    return tuple(rpc_status.to_status(status).trailing_metadata)
