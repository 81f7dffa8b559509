"""The gRPC client of one peer's FederationService: one channel, with that peer's CA as its only root."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from huxin.v1 import federation_service_pb2, federation_service_pb2_grpc

from node.federation.unavailable import PeerUnavailable
from node.model.log import FeedBatch
from node.model.messages import Delivery, DeliveryOutcome, MessageReason, SealedMessage, reason_named
from node.model.peers import PeerTrouble
from node.model.witnesses import ShownHead, SplitNotes
from trust.identities import node_dns_name

_QUIET_SECONDS = 20
"""A peer that answers no ping for so long is gone: half-open connections end here."""
_CONNECT_SECONDS = 5
"""Longest attempt to connect. gRPC's own 20 seconds would outlast the end of an outage in which packets vanish."""
_ACKNOWLEDGE_SECONDS = 10.0
_MOST_RETRY_SECONDS = 3_600.0
"""A peer may ask us to stay away for so long at most."""
_DETAILS = "grpc-status-details-bin"

_REFUSES_US = frozenset({grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED})

_DELIVER_SECONDS = 30.0
"""Longest time that a peer may take to store a few messages."""

_OUTCOMES = {
    federation_service_pb2.DELIVERY_OUTCOME_DELIVERED: DeliveryOutcome.DELIVERED,
    federation_service_pb2.DELIVERY_OUTCOME_REFUSED: DeliveryOutcome.REFUSED,
}
"""Anything else that a later version answers is taken as deferred: what is not final is tried again."""

_AHEAD_BYTES = 1 << 20
"""What a peer may send before we read it: one batch, enough for some 20 MB/s over 50 ms."""


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Certificate and key of the own node, PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


class GrpcPeerClient:
    """One connection to a peer's endpoint, made when it is first used.

    `ca_pem` holds that peer's CA certificates and nothing else: no other CA can vouch for it. `heard` is called
    whenever the peer has sent something.
    """

    def __init__(
        self,
        division: str,
        endpoint: str,
        ca_pem: bytes,
        credentials: ClientCredentials,
        max_message_bytes: int,
        heard: Callable[[], None] = lambda: None,
    ) -> None:
        self._heard = heard
        self._channel = grpc.aio.secure_channel(
            endpoint,
            grpc.ssl_channel_credentials(ca_pem, credentials.key, credentials.certificate),
            options=_options(node_dns_name(division), max_message_bytes),
        )
        self._stub = federation_service_pb2_grpc.FederationServiceStub(self._channel)

    async def follow(self, origin: str, start: int, limit: int) -> AsyncIterator[FeedBatch]:
        """Batches as the peer sends them, nothing of them proven yet. Raises PeerUnavailable."""
        request = federation_service_pb2.FollowRequest(origin=origin, start=start, batch_limit=limit)
        call = self._stub.Follow(request)
        try:
            async for response in call:
                # grpc.aio hands out None for what it could not parse.
                if response is None:
                    raise PeerUnavailable(
                        "The peer sent bytes that are no message of this protocol.", PeerTrouble.NO_MESSAGE
                    )
                # Millions of empty entries fit into one message; each would cost us a thousand times its two bytes.
                if len(response.entries) > limit:
                    raise PeerUnavailable(
                        f"The peer sent more than the {limit} entries at once that were asked for.",
                        PeerTrouble.TOO_MUCH,
                    )
                self._heard()
                yield FeedBatch(
                    response.first_index,
                    tuple(response.entries),
                    response.checkpoint,
                    tuple(response.consistency),
                )
        except grpc.aio.AioRpcError as error:
            raise _unavailable(error) from None
        finally:
            call.cancel()

    async def acknowledge(self, origin: str, size: int) -> None:
        """Tells the peer that `size` entries of its log are durable here. Raises PeerUnavailable."""
        request = federation_service_pb2.AcknowledgeRequest(origin=origin, size=size)
        try:
            await self._stub.Acknowledge(request, timeout=_ACKNOWLEDGE_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise _unavailable(error) from None

    async def deliver(self, messages: Sequence[SealedMessage]) -> list[Delivery]:
        """Hands messages over: what the peer says became of each, in their order. Raises PeerUnavailable."""
        request = federation_service_pb2.DeliverRequest(messages=[_sealed(message) for message in messages])
        try:
            response = await self._stub.Deliver(request, timeout=_DELIVER_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise _undelivered(error) from None
        # grpc.aio hands out None for what it could not parse.
        if response is None or len(response.results) != len(messages):
            raise PeerUnavailable("The peer did not answer for each message.")
        self._heard()
        return [_delivery(result) for result in response.results]

    async def heads(self, origins: Sequence[str], seconds: float, before: datetime | None = None) -> list[ShownHead]:
        """What the peer shows of these logs within so many seconds, nothing of it proven. Raises PeerUnavailable.

        `before`: of each the newest head that it cosigned before that moment, else the newest of all.
        """
        request = federation_service_pb2.GetHeadsRequest(origins=origins, cosigned_before=before)
        try:
            response = await self._stub.GetHeads(request, timeout=seconds)
        except grpc.aio.AioRpcError as error:
            raise _unavailable(error) from None
        if response is None:
            raise PeerUnavailable("The peer sent bytes that are no message of this protocol.", PeerTrouble.NO_MESSAGE)
        if len(response.heads) > len(origins):
            raise PeerUnavailable(
                f"The peer showed heads of more than the {len(origins)} logs that were asked for.", PeerTrouble.TOO_MUCH
            )
        self._heard()
        return [ShownHead(head.origin, head.checkpoint, _split(head)) for head in response.heads]

    async def close(self) -> None:
        """Ends the channel and every stream on it."""
        await self._channel.close()


def _split(head: federation_service_pb2.ShownHead) -> SplitNotes | None:
    if not head.HasField("split"):
        return None
    found = head.split
    return SplitNotes(found.first, found.second, found.root, tuple(found.consistency))


def _options(server_name: str, max_message_bytes: int) -> Sequence[tuple[str, str | int]]:
    return (
        ("grpc.ssl_target_name_override", server_name),
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.keepalive_time_ms", _QUIET_SECONDS * 1000),
        ("grpc.keepalive_timeout_ms", _QUIET_SECONDS * 500),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.min_reconnect_backoff_ms", _CONNECT_SECONDS * 1000),
        # What is not read yet stays at the peer: by an estimate of its own gRPC would take in megabytes beforehand.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", _AHEAD_BYTES),
        # A connection of its own: one shared with an earlier attempt would sit out a pause of gRPC's making.
        ("grpc.use_local_subchannel_pool", 1),
    )


def retry_seconds_of(error: grpc.RpcError) -> float:
    """How long the peer asks us to wait (`google.rpc.RetryInfo`), 0.0 when it does not. What it says is bounded."""
    # grpc's types know the metadata neither as pairs nor as what either kind of client hands out.
    metadata: Any = error.trailing_metadata() or ()
    details = next((value for key, value in metadata if key == _DETAILS), b"")
    retry = error_details_pb2.RetryInfo()
    try:
        for detail in status_pb2.Status.FromString(details).details:
            if detail.Is(retry.DESCRIPTOR):
                detail.Unpack(retry)
    except (DecodeError, TypeError):  # not what it should be: as if it had said nothing
        return 0.0
    seconds: float = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
    return min(max(0.0, seconds), _MOST_RETRY_SECONDS)


def _sealed(message: SealedMessage) -> federation_service_pb2.SealedMessage:
    header = message.header
    made = federation_service_pb2.SealedMessage(
        header=federation_service_pb2.MessageHeader(
            id=header.id,
            sender=header.sender,
            receiver=header.receiver,
            kind=header.kind,
            ordering_key=header.ordering_key,
        ),
        sealing_key_id=message.key_id,
        sealed=message.sealed,
    )
    for stamp, instant in ((made.header.created_at, header.created_at), (made.header.expires_at, header.expires_at)):
        stamp.CopyFrom(Timestamp())
        stamp.FromDatetime(instant)
    return made


def _delivery(result: federation_service_pb2.DeliveryResult) -> Delivery:
    outcome = _OUTCOMES.get(result.outcome, DeliveryOutcome.DEFERRED)
    if outcome is DeliveryOutcome.DELIVERED:
        return Delivery(outcome)
    return Delivery(outcome, reason_named(result.reason) if result.reason else MessageReason.OTHER)


def _undelivered(error: grpc.aio.AioRpcError) -> PeerUnavailable:
    code = error.code()
    trouble = PeerTrouble.AWAY
    if code in _REFUSES_US:
        trouble = PeerTrouble.REFUSED
    elif code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        # A limit that passes says when to come back. What says nothing is of size: the node's own, or gRPC's.
        trouble = PeerTrouble.LIMITS_US if _asked_to_wait(error) else PeerTrouble.TAKES_LESS
    return PeerUnavailable(
        f"The peer took no messages: {code.name}.",
        trouble,
        retry_seconds=_asked_to_wait(error),
        answered=_answered(error),
    )


def _asked_to_wait(error: grpc.aio.AioRpcError) -> float:
    """Seconds for which a limit of the peer's keeps us away.

    What is UNAVAILABLE comes back when it can, a node that restarts within a second: pauses of our own fit that.
    """
    return retry_seconds_of(error) if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED else 0.0


def _answered(error: grpc.aio.AioRpcError) -> bool:
    """Whether the peer's node said so: with details, as it refuses everything, or by a code of its limits and rights.

    Nobody else can on a connection whose other end has a certificate of the peer's CA.
    """
    if error.code() in {*_REFUSES_US, grpc.StatusCode.RESOURCE_EXHAUSTED}:
        return True
    return _has_details(error)


def _has_details(error: grpc.aio.AioRpcError) -> bool:
    """Only the peer's node sends them, never its gRPC library."""
    metadata: Any = error.trailing_metadata() or ()
    return any(key == _DETAILS for key, _ in metadata)


def _unavailable(error: grpc.aio.AioRpcError) -> PeerUnavailable:
    code = error.code()
    if code in _REFUSES_US:
        return PeerUnavailable(
            "The peer does not accept our certificate; its administrator must import our bundle.",
            PeerTrouble.REFUSED,
        )
    if code is grpc.StatusCode.INVALID_ARGUMENT:
        return PeerUnavailable(
            "The peer does not go on from where our view of its log ends; ask its operator whether the log was "
            "restored from an older copy.",
            PeerTrouble.ANOTHER_LOG,
        )
    wait = _asked_to_wait(error)
    if wait:
        return PeerUnavailable(
            f"The peer asks us to come back in {wait:.1f} seconds ({code.name}); this node does so by itself.",
            PeerTrouble.LIMITS_US,
            retry_seconds=wait,
            answered=True,
        )
    if code is grpc.StatusCode.UNAVAILABLE:
        return PeerUnavailable(
            "The peer cannot be reached, or one side refused the other's certificate. Check its endpoint, and that "
            "each has imported the other's newest bundle."
        )
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return _too_large(error)
    return PeerUnavailable(f"The peer broke off with {code.name}.")


def _too_large(error: grpc.aio.AioRpcError) -> PeerUnavailable:
    """A limit that does not pass."""
    if _has_details(error):
        return PeerUnavailable(
            "What was asked of the peer is larger than it takes in one call (REQUEST_TOO_LARGE); compare the versions "
            "and limits.max_message_bytes of both nodes.",
            PeerTrouble.TAKES_LESS,
            answered=True,
        )
    # Either side's limit: a message larger than we take, or more streams than the peer gives.
    return PeerUnavailable(
        "A limit was reached (RESOURCE_EXHAUSTED): the peer sent a message larger than limits.max_message_bytes, "
        "or gives us no more streams.",
        PeerTrouble.TOO_MUCH,
    )
