"""A peer's node that writes its messages itself: whatever its operator likes, sealed with the real keys."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from google.protobuf.timestamp_pb2 import Timestamp
from huxin.v1 import federation_service_pb2 as pb
from huxin.v1 import federation_service_pb2_grpc, message_pb2

from node.app import trusting
from node.model.messages import WIRE_PURPOSE, MessageHeader
from node.model.subject import IdType, SubjectRef
from node.wire.subject import subject_claim
from tests.integration import dishonest
from tests.integration.exchanging import EVIDENCE
from tests.support.nodes import THE_DAY, TestJurisdiction
from trust.sealing import SealingPublicKey, key_to_seal_to

DELIVERED, REFUSED, DEFERRED = (
    pb.DELIVERY_OUTCOME_DELIVERED,
    pb.DELIVERY_OUTCOME_REFUSED,
    pb.DELIVERY_OUTCOME_DEFERRED,
)
WEEK = timedelta(days=7)


@dataclass
class Post:
    """`sender`'s node certificate, at `receiver`'s door."""

    sender: TestJurisdiction
    receiver: TestJurisdiction

    @property
    def key(self) -> SealingPublicKey:
        return key_to_seal_to(trusting.trusted_state(self.receiver.settings).own.bundle.sealing_keys, THE_DAY)

    def header(
        self,
        kind: str = "report_request",
        order: bytes = b"",
        created_at: datetime = THE_DAY,
        life: timedelta = WEEK,
        message_id: bytes = b"",
    ) -> MessageHeader:
        """An honest header, each time another message of another subject."""
        return MessageHeader(
            id=message_id or os.urandom(16),
            sender=self.sender.division,
            receiver=self.receiver.division,
            kind=kind,
            ordering_key=sha256(order or os.urandom(32)).digest(),
            created_at=created_at,
            expires_at=created_at + life,
        )

    def sealed(self, header: MessageHeader, content: bytes, bound_to: MessageHeader | None = None) -> pb.SealedMessage:
        """A message. `bound_to`: the header that the content is sealed with, if it is to be another one."""
        key_id = bytes.fromhex(self.key.key_id)
        return pb.SealedMessage(
            header=wire_header(header),
            sealing_key_id=key_id,
            sealed=self.key.seal(content, (bound_to or header).bound(WIRE_PURPOSE, key_id)),
        )

    async def bring(self, *messages: pb.SealedMessage) -> list[tuple[int, str]]:
        """Outcome and reason of each."""
        key, certificate = (
            self.sender.layout.key("node").read_bytes(),
            self.sender.layout.certificate("node").read_bytes(),
        )
        async with dishonest.channel_with(self.receiver, key, certificate) as channel:
            stub = federation_service_pb2_grpc.FederationServiceStub(channel)
            response = await stub.Deliver(pb.DeliverRequest(messages=messages), timeout=20)
        return [(result.outcome, result.reason) for result in response.results]


def wire_header(header: MessageHeader) -> pb.MessageHeader:
    created, expires = Timestamp(), Timestamp()
    created.FromDatetime(header.created_at)
    expires.FromDatetime(header.expires_at)
    return pb.MessageHeader(
        id=header.id,
        sender=header.sender,
        receiver=header.receiver,
        kind=header.kind,
        ordering_key=header.ordering_key,
        created_at=created,
        expires_at=expires,
    )


def request_for(subject: str, scenario: str = "tender", codes: Sequence[str] = ("6",)) -> bytes:
    """The content of an honest request."""
    return message_pb2.ReportRequest(
        subject=subject_claim(SubjectRef(IdType.USCC, subject)),
        local_codes=codes,
        scenario=scenario,
        evidence_digest=EVIDENCE,
    ).SerializeToString()
