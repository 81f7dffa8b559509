"""The guard stands where generated code expects a server, so that no handler can be registered past it.

Every handler, ours and those of libraries (health, reflection), is wrapped by `node/rpc/call.py` at its registration:
interceptors would do the same at about 5 % of a call each. The guard owns parsing as well, hence what the table does
not open is refused before a byte of the message is read, and the server knows one router only.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from node.rpc.call import Context, Gate, Leases, Method, answering, streaming
from node.rpc.caller import Caller
from node.rpc.permissions import OWN, parties_for
from node.rpc.status import MethodUnknown

DEFAULT_REQUEST_BYTES = 64 * 1024
"""Most bytes of a request whose method sets no limit of its own."""

_UNKNOWN = "unknown"
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")
_MAKERS: dict[tuple[bool, bool], Callable[..., grpc.RpcMethodHandler[Any, Any]]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


@dataclass(frozen=True, slots=True)
class Service:
    """One of our services: every method of `descriptor` is a method of `implementation`, in snake case.

    Each takes (request, caller) and returns a message, or its serialised bytes; a server stream is an async generator
    of them. `max_bytes` sets the size limits of requests by method name.
    """

    descriptor: ServiceDescriptor
    implementation: object
    max_bytes: Mapping[str, int] = field(default_factory=dict)


class Guard:
    """Registrar of handlers. Open streams end with `leases.end_all()`."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
        self.leases = Leases(gate.recheck_seconds)

    @property
    def methods(self) -> tuple[str, ...]:
        """Full names of everything registered, such as `/huxin.v1.VerificationService/Verify`."""
        return tuple(self._handlers)

    def add_service(self, service: Service) -> None:
        """Registers one of our services. Raises AttributeError when the implementation lacks a method."""
        for method in service.descriptor.methods:
            handle = getattr(service.implementation, _CAPITAL.sub("_", method.name).lower())
            name = f"/{service.descriptor.full_name}/{method.name}"
            self._handlers[name] = self._guarded(
                Method(
                    name=_counted(name),
                    parties=parties_for(name),
                    behaviour=_without_context(handle),
                    parse=GetMessageClass(method.input_type).FromString,
                    serialise=_serialised,
                    max_bytes=service.max_bytes.get(method.name, DEFAULT_REQUEST_BYTES),
                    request_streaming=method.client_streaming,
                    response_streaming=method.server_streaming,
                )
            )

    def add_registered_method_handlers(
        self, service_name: str, method_handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]
    ) -> None:
        """What the generated `add_..._to_server` functions of libraries call with their handlers."""
        for method_name, handler in method_handlers.items():
            handle: Any = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
            name = f"/{service_name}/{method_name}"
            self._handlers[name] = self._guarded(
                Method(
                    name=_counted(name),
                    parties=parties_for(name),
                    behaviour=_without_caller(handle),
                    parse=handler.request_deserializer or bytes,
                    serialise=handler.response_serializer or bytes,
                    max_bytes=DEFAULT_REQUEST_BYTES,
                    request_streaming=handler.request_streaming,
                    response_streaming=handler.response_streaming,
                    writes_itself=handler.response_streaming and inspect.iscoroutinefunction(handle),
                )
            )

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Nothing to do: generated code gives the same handlers by `add_registered_method_handlers`."""

    def router(self) -> grpc.GenericRpcHandler:
        """The one handler that the server is given."""
        unknown = Method(
            name=_UNKNOWN,
            parties=OWN,
            behaviour=_no_such_method,
            parse=bytes,
            serialise=bytes,
            max_bytes=0,
            request_streaming=True,  # reads nothing before it refuses
            response_streaming=True,
        )
        return _Router(dict(self._handlers), self._guarded(unknown))

    def _guarded(self, method: Method) -> grpc.RpcMethodHandler[Any, Any]:
        wrapped = (
            streaming(self._gate, method, self.leases) if method.response_streaming else answering(self._gate, method)
        )
        return _MAKERS[method.request_streaming, method.response_streaming](
            wrapped, response_serializer=method.serialise if method.writes_itself else None
        )


def _counted(name: str) -> str:
    """The name under which metrics know a method: `package.Service/Method`."""
    return name.removeprefix("/")


class _Router(grpc.GenericRpcHandler):
    """Finds the handler by the method's full name. A name that nobody registered is guarded like any other."""

    def __init__(
        self, handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]], unknown: grpc.RpcMethodHandler[Any, Any]
    ) -> None:
        self._handlers = handlers
        self._unknown = unknown

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
        return self._handlers.get(handler_call_details.method, self._unknown)


def _without_context(handle: Callable[[Any, Caller], Any]) -> Callable[[Any, Context, Caller], Any]:
    return lambda request, _context, caller: handle(request, caller)


def _without_caller(handle: Callable[[Any, Context], Any]) -> Callable[[Any, Context, Caller], Any]:
    return lambda request, context, _caller: handle(request, context)


def _serialised(response: Message | bytes) -> bytes:
    return response if isinstance(response, bytes) else response.SerializeToString()


async def _no_such_method(_requests: object, _context: Context, _caller: Caller) -> AsyncIterator[bytes]:
    """Own workloads are told that a method is unknown (their libraries try versions of a service), others nothing."""
    raise MethodUnknown
    yield b""
