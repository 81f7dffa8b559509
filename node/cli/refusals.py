"""What a node's refusal, or its silence, means: gRPC status with `google.rpc.Status` details as sentences."""

from __future__ import annotations

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from node.cli.failures import Refused
from node.cli.field_names import typed_here
from node.model.counting import counted

UNREACHABLE = "UNREACHABLE"
NOT_TRUSTED = "TLS_REFUSED"
TOO_SLOW = "DEADLINE_EXCEEDED"


def refusal(error: grpc.RpcError, address: str) -> Refused:
    """One sentence or a few: what was refused, which field, when to try again."""
    told = _told(error)
    if told is not None:
        return told
    code, details = error.code(), error.details() or ""
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Refused(
            TOO_SLOW, f"The node at {address} did not answer in time. Look at its load with `huxin doctor`, try again."
        )
    if code is grpc.StatusCode.UNAVAILABLE and ("handshake" in details.lower() or "certificate" in details.lower()):
        return Refused(
            NOT_TRUSTED,
            f"The node at {address} and the certificate used do not trust each other. Check that both are of the same "
            "jurisdiction and that neither certificate has expired (`huxin doctor`).",
        )
    if code is grpc.StatusCode.UNAVAILABLE:
        return Refused(
            UNREACHABLE,
            f"No node answers at {address}. Start it with `huxin --home HOME serve`, or name where it listens with "
            "--node HOST:PORT.",
        )
    return Refused(
        code.name,
        f"The node at {address} answered {code.name} and said no more. Its log says more; see `huxin doctor`.",
    )


def _told(error: grpc.RpcError) -> Refused | None:
    """What the node says in its details; None when it says nothing."""
    try:
        # Every RpcError that a channel raises is also the Call; the types do not say so.
        status = rpc_status.from_call(error)  # type: ignore[arg-type]
    except (ValueError, DecodeError):
        return None
    if status is None:
        return None
    info, request, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    for detail in status.details:
        for kind in (info, request, retry):
            if detail.Is(kind.DESCRIPTOR):
                detail.Unpack(kind)
    fields = [typed_here(violation.field) for violation in request.field_violations if violation.field]
    sentence = "The node refused: " + (f"{', '.join(fields)}: " if fields else "") + status.message
    sentence += "" if sentence.endswith((".", "。")) else "."
    if retry.HasField("retry_delay"):
        sentence += f" Try again in {counted(max(1, retry.retry_delay.seconds), 'second')}."
    if info.reason:
        sentence += f" ({info.reason})"
    return Refused(info.reason or error.code().name, sentence)
