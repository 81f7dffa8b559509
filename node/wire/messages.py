"""Messages between nodes: what crosses the wire, and what operators are told of them."""

from __future__ import annotations

from collections.abc import Mapping

from huxin.v1 import admin_service_pb2 as admin_pb
from huxin.v1 import federation_service_pb2 as pb

from node.errors import InvalidInput
from node.model.messages import (
    ID_BYTES,
    KEY_ID_BYTES,
    ORDERING_KEY_BYTES,
    Delivery,
    DeliveryOutcome,
    MessageHeader,
    MessageLine,
    SealedMessage,
)
from node.wire.fields import code, division, instant, timestamp

OUTCOMES: Mapping[DeliveryOutcome, pb.DeliveryOutcome] = {
    DeliveryOutcome.DELIVERED: pb.DELIVERY_OUTCOME_DELIVERED,
    DeliveryOutcome.REFUSED: pb.DELIVERY_OUTCOME_REFUSED,
    DeliveryOutcome.DEFERRED: pb.DELIVERY_OUTCOME_DEFERRED,
}


def sealed_message(message: pb.SealedMessage) -> SealedMessage:
    """A message as a peer sent it, nothing of it opened. Raises InvalidInput for a header that says nothing usable."""
    header = message.header
    if not (message.HasField("header") and header.HasField("created_at") and header.HasField("expires_at")):
        raise InvalidInput("messages.header", "A message has a header with both of its times; send it so.")
    for name, value, size in (
        ("header.id", header.id, ID_BYTES),
        ("header.ordering_key", header.ordering_key, ORDERING_KEY_BYTES),
        ("sealing_key_id", message.sealing_key_id, KEY_ID_BYTES),
    ):
        fixed_bytes(value, f"messages.{name}", size)
    return SealedMessage(
        MessageHeader(
            id=header.id,
            sender=division(header.sender, "messages.header.sender"),
            receiver=division(header.receiver, "messages.header.receiver"),
            kind=code(header.kind, "messages.header.kind"),
            ordering_key=header.ordering_key,
            created_at=instant(header.created_at, "messages.header.created_at"),
            expires_at=instant(header.expires_at, "messages.header.expires_at"),
        ),
        message.sealing_key_id,
        message.sealed,
    )


def readable(message: pb.SealedMessage) -> SealedMessage | None:
    """The same, None where it cannot be read: one of several must not keep the others out."""
    try:
        return sealed_message(message)
    except InvalidInput:
        return None


def delivery_result(delivery: Delivery) -> pb.DeliveryResult:
    """What became of a message."""
    return pb.DeliveryResult(outcome=OUTCOMES[delivery.outcome], reason=delivery.reason or "")


def message_line(line: MessageLine) -> admin_pb.Message:
    """A message as operators are told of it."""
    return admin_pb.Message(
        id=line.id.hex(),
        peer=line.peer,
        kind=line.kind,
        state=line.state,
        reason=line.reason,
        created_at=timestamp(line.created_at),
        expires_at=timestamp(line.expires_at),
        ended_at=None if line.ended_at is None else timestamp(line.ended_at),
        attempts=line.attempts,
        order=line.ordering_key[:6].hex(),
        outcome=line.outcome,
        evidence_digest=line.evidence_digest,
    )


def fixed_bytes(value: bytes, path: str, size: int) -> bytes:
    """Bytes of one length."""
    if len(value) != size:
        raise InvalidInput(path, f"The field has {size} bytes; send it whole.")
    return value


def hex_id(value: str, path: str = "id") -> bytes:
    """A message's id as people handle it: 32 hexadecimal digits."""
    if len(value) != 2 * ID_BYTES or not set(value) <= set("0123456789abcdef"):
        raise InvalidInput(path, "An id has 32 hexadecimal digits in lower case; take it from the list.")
    return bytes.fromhex(value)
