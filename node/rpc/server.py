"""The gRPC server: mutual TLS, limits, health and reflection, and everything through one guard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from node.errors import BadConfiguration
from node.rpc.call import Gate
from node.rpc.guard import Guard, Service


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Where to listen, `host:port` (port 0: any free one), and what to bear.

    `max_message_bytes` bounds what is received in one message: more is RESOURCE_EXHAUSTED before it is parsed.
    """

    address: str
    max_message_bytes: int = 32 * 1024 * 1024
    max_concurrent_streams: int = 1_024
    keepalive_seconds: int = 60
    keepalive_timeout_seconds: int = 20

    def channel_arguments(self) -> tuple[tuple[str, int], ...]:
        """The options in gRPC's words."""
        return (
            # On by default: a second process would bind the same port and take half of the calls, silently.
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", self.max_message_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_concurrent_streams", self.max_concurrent_streams),
            ("grpc.keepalive_time_ms", self.keepalive_seconds * 1000),
            ("grpc.keepalive_timeout_ms", self.keepalive_timeout_seconds * 1000),
            # Followers hold quiet streams for hours: their own pings must not count as abuse.
            ("grpc.http2.min_recv_ping_interval_without_data_ms", self.keepalive_seconds * 500),
            ("grpc.keepalive_permit_without_calls", 1),
        )


@dataclass(frozen=True, slots=True)
class TlsMaterial:
    """What a handshake needs: own key and certificate, and every CA whose workloads may connect (PEM).

    `version` changes whenever anything in it does. The pool of roots only lets a handshake pass: which CA may vouch for
    whom is judged at each call.
    """

    version: int
    private_key: bytes = field(repr=False)
    certificate_chain: bytes
    roots: bytes


def server_credentials(material: Callable[[], TlsMaterial]) -> grpc.ServerCredentials:
    """Mutual TLS. `material` is asked before each handshake, from a thread of gRPC: it must be quick and safe there."""
    first = material()
    served = first.version

    def changed() -> grpc.ServerCertificateConfiguration:
        nonlocal served
        present = material()
        if present.version == served:
            # gRPC keeps what it has for None, which the type stub leaves out.
            return cast("grpc.ServerCertificateConfiguration", None)
        served = present.version
        return _certificate_configuration(present)

    return grpc.dynamic_ssl_server_credentials(
        _certificate_configuration(first), changed, require_client_authentication=True
    )


def _certificate_configuration(material: TlsMaterial) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(material.private_key, material.certificate_chain)], root_certificates=material.roots
    )


class RpcServer:
    """Serves the given services with health and reflection. Starts unready: `set_ready` opens its health."""

    def __init__(
        self, options: ServerOptions, material: Callable[[], TlsMaterial], gate: Gate, services: Sequence[Service]
    ) -> None:
        self._options = options
        self._material = material
        self._names = tuple(service.descriptor.full_name for service in services)
        self._health = health.aio.HealthServicer()
        self._guard = Guard(gate)
        for service in services:
            self._guard.add_service(service)
        # Generated code asks for a server and uses it as a registrar, which is what the guard is.
        registrar = cast("grpc.aio.Server", self._guard)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, registrar)
        listed = (*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(
            reflection.aio.ReflectionServicer(service_names=listed), registrar
        )
        self._server: grpc.aio.Server | None = None

    @property
    def methods(self) -> tuple[str, ...]:
        """Full names of all methods served."""
        return self._guard.methods

    async def start(self) -> int:
        """Listens, and answers the port. Raises BadConfiguration when the address cannot be had."""
        await self.set_ready(ready=False)
        # The server object belongs to the running loop, hence it is made here and not with this one.
        self._server = grpc.aio.server(options=self._options.channel_arguments())
        self._server.add_generic_rpc_handlers((self._guard.router(),))
        try:
            port = self._server.add_secure_port(self._options.address, server_credentials(self._material))
        except RuntimeError:
            message = (
                f"cannot listen on {self._options.address}. Choose an address of this machine and a port that is free."
            )
            raise BadConfiguration("rpc.listen", message) from None
        await self._server.start()
        return port

    async def set_ready(self, *, ready: bool) -> None:
        """What health says, for the server and each of its services."""
        status = health_pb2.HealthCheckResponse.SERVING if ready else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", *self._names):
            await self._health.set(name, status)

    def recheck(self) -> None:
        """Ends every open stream whose caller the trusted state no longer admits."""
        self._guard.leases.recheck_all()

    async def stop(self, grace_seconds: float) -> None:
        """Health first, so that nobody new comes; streams end at once, calls may finish within the grace."""
        await self._health.enter_graceful_shutdown()
        self._guard.leases.end_all()
        if self._server is not None:
            await self._server.stop(grace_seconds)
