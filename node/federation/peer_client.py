"""The gRPC client of one peer's FederationService: one channel, with that peer's CA as its only root."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import grpc
from huxin.v1 import federation_service_pb2, federation_service_pb2_grpc

from node.federation.follower import PeerUnavailable
from node.model.log import FeedBatch
from node.model.witnesses import ShownHead, SplitNotes
from trust.identities import node_dns_name

_QUIET_SECONDS = 20
"""A peer that answers no ping for so long is gone: half-open connections end here."""


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Certificate and key of the own node, PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


class GrpcPeerClient:
    """One connection to a peer's endpoint, made when it is first used.

    `ca_pem` holds that peer's CA certificates and nothing else: no other CA can vouch for it.
    """

    def __init__(
        self,
        division: str,
        endpoint: str,
        ca_pem: bytes,
        credentials: ClientCredentials,
        max_message_bytes: int,
    ) -> None:
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
                    raise PeerUnavailable("The peer sent bytes that are no message of this protocol.")
                # Millions of empty entries fit into one message; each would cost us a thousand times its two bytes.
                if len(response.entries) > limit:
                    raise PeerUnavailable(f"The peer sent more than the {limit} entries at once that were asked for.")
                yield FeedBatch(
                    response.first_index,
                    tuple(response.entries),
                    response.checkpoint,
                    tuple(response.consistency),
                )
        except grpc.aio.AioRpcError as error:
            raise _unavailable(error.code()) from None
        finally:
            call.cancel()

    async def heads(self, origins: Sequence[str], seconds: float) -> list[ShownHead]:
        """What the peer shows of these logs within so many seconds, nothing of it proven. Raises PeerUnavailable."""
        request = federation_service_pb2.GetHeadsRequest(origins=origins)
        try:
            response = await self._stub.GetHeads(request, timeout=seconds)
        except grpc.aio.AioRpcError as error:
            raise _unavailable(error.code()) from None
        if response is None:
            raise PeerUnavailable("The peer sent bytes that are no message of this protocol.")
        if len(response.heads) > len(origins):
            raise PeerUnavailable(f"The peer showed heads of more than the {len(origins)} logs that were asked for.")
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
        # A connection of its own: one shared with an earlier attempt would sit out a pause of gRPC's making.
        ("grpc.use_local_subchannel_pool", 1),
    )


def _unavailable(code: grpc.StatusCode) -> PeerUnavailable:
    if code in {grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED}:
        return PeerUnavailable(
            "The peer does not accept our certificate; its administrator must import our bundle.", refused=True
        )
    if code is grpc.StatusCode.INVALID_ARGUMENT:
        return PeerUnavailable(
            "The peer does not go on from where our view of its log ends; ask its operator whether the log was "
            "restored from an older copy."
        )
    if code is grpc.StatusCode.UNAVAILABLE:
        return PeerUnavailable(
            "The peer cannot be reached, or one side refused the other's certificate. Check its endpoint, and that "
            "each has imported the other's newest bundle."
        )
    return PeerUnavailable(f"The peer broke off with {code.name}.")
