"""The trust registry at one peer: its files, and for the coordinator what we publish. For worker threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import grpc
from huxin.v1 import federation_service_pb2 as pb
from huxin.v1 import federation_service_pb2_grpc

from node.federation.peer_client import ClientCredentials, retry_seconds_of
from node.federation.unavailable import PeerUnavailable
from trust.identities import node_dns_name

_REFUSALS = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)
"""Answers that the same publication will get again."""

_LEAST_WAIT_SECONDS = 0.1
"""A peer that says "at once" again and again would keep a core busy for as long as a file has."""

_PART_BYTES = 64 * 1024
"""What each part of a file holds but the last."""
_MAX_CHUNK_MESSAGE = 2 * _PART_BYTES
"""Endless files end at their own limit, part by part."""


class RegistryClient:
    """One connection to a peer's endpoint, made when it is first used; `ca_pem`: that peer's CA certificates alone."""

    def __init__(
        self, division: str, endpoint: str, ca_pem: bytes, credentials: ClientCredentials, file_seconds: float
    ) -> None:
        self._seconds = file_seconds
        self._closed = threading.Event()
        self._channel = grpc.secure_channel(
            endpoint,
            grpc.ssl_channel_credentials(ca_pem, credentials.key, credentials.certificate),
            options=(
                ("grpc.ssl_target_name_override", node_dns_name(division)),
                ("grpc.max_receive_message_length", _MAX_CHUNK_MESSAGE),
                ("grpc.use_local_subchannel_pool", 1),
            ),
        )
        self._stub = federation_service_pb2_grpc.FederationServiceStub(self._channel)

    def fetch(self, name: str) -> Iterator[bytes]:
        """Parts of a file, nothing of it verified. Raises FileNotServed, PeerUnavailable.

        The whole file has `file_seconds`: a peer that sends a byte now and then is left in time. Many files in a row
        meet the limits of a peer: then the file is asked for again when the peer says, if that is in this time.
        """
        ends = time.monotonic() + self._seconds
        while True:
            parts = self._parts(name, ends - time.monotonic())
            try:
                yield from parts
            except PeerUnavailable as error:
                # It refuses before it sends anything: no part comes twice.
                wait = max(error.retry_seconds, _LEAST_WAIT_SECONDS)
                if not error.retry_seconds or wait >= ends - time.monotonic() or self._closed.wait(wait):
                    raise
            else:
                return

    def _parts(self, name: str, seconds: float) -> Iterator[bytes]:
        call = self._stub.FetchTrust(pb.FetchTrustRequest(name=name), timeout=seconds)
        begun = False
        whole = True
        try:
            for response in call:
                if not whole:
                    # Parts without end, each next to nothing, would keep a core busy until the time is over.
                    raise PeerUnavailable(f"The peer sent {name} in smaller parts than it may.")
                whole = len(response.chunk) == _PART_BYTES
                begun = True
                yield response.chunk
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                raise FileNotServed from None
            # A peer that breaks off is not heard on when to come back: what was handed out cannot be taken back.
            wait = 0.0 if begun or error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED else retry_seconds_of(error)
            raise PeerUnavailable(f"The peer sent no {name}: {error.code().name}.", retry_seconds=wait) from None
        finally:
            call.cancel()

    def publish(self, publication: bytes) -> int:
        """Hands a serialised `TrustPublication` over. Answers the version of the snapshot that holds it.

        Raises PublicationRefused, PeerUnavailable.
        """
        request = pb.PublishTrustRequest(publication=pb.TrustPublication.FromString(publication))
        try:
            answer = self._stub.PublishTrust(request, timeout=self._seconds)
        except grpc.RpcError as error:
            # Too much at once is no word on the publication: the peer says when to bring it again.
            wait = retry_seconds_of(error)
            if error.code() in _REFUSALS and not wait:
                raise PublicationRefused(error.details() or "The coordinator refused it.") from None
            message = f"The coordinator took nothing over: {error.code().name}."
            raise PeerUnavailable(message, retry_seconds=wait) from None
        version: int = answer.snapshot_version
        return version

    def close(self) -> None:
        """Ends the connection, and the wait for a peer."""
        self._closed.set()
        self._channel.close()


class FileNotServed(Exception):
    """The peer has no file of that name."""


class PublicationRefused(Exception):
    """The coordinator does not take the publication over. The message is its sentence."""
