"""One guarded call: authenticate, limit, authorise, parse, answer or refuse, count and time.

Nothing that a handler or a serialiser raises reaches grpc.aio, which would send the exception's text to the caller.
Cancellation and deadlines pass through: asyncio cancels the handler, and with it what it awaits.

Streams hold a lease on their identity: it is checked at each message sent, at least every `recheck_seconds`, and at
once when the trusted state changes, so that an expired or revoked certificate or a removed peer ends an open stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc.aio
import structlog

from node.errors import HuxinError, InvalidInput, NotAuthenticated, NotPermitted, NotReady, OverLimit, TooLarge
from node.rpc.caller import Caller
from node.rpc.limits import LEAST_RETRY_SECONDS, Account, Limiter
from node.rpc.permissions import Party, role_of
from node.rpc.status import Refusal, refusal_of

_log = structlog.get_logger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
Behaviour = Callable[[Any, Context, Caller], Any]
"""(request or async iterator of requests, context, caller) -> awaitable response, or async generator of responses."""

Wrapped = Callable[[Any, Context], Coroutine[Any, Any, Any]]
_CLOCK_SLACK_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Gate:
    """What the composition root gives the guard.

    `authenticate` names the holder of a PEM certificate or raises NotAuthenticated, and remembers what it can;
    `observe` is told method, code name and seconds of every call; `clock` is monotonic, in seconds; `new_incident`
    draws the number under which an unforeseen error is logged; `refused` is told method, reason, leaf (PEM, empty when
    there was none) and address of every call that its certificate did not open, `limited` the same of every call that
    was over a limit of `limiter`; `heard` is told the division of every peer node that calls what it may.
    """

    own_division: str
    authenticate: Callable[[bytes], Caller]
    observe: Callable[[str, str, float], None]
    clock: Callable[[], float]
    new_incident: Callable[[], str]
    refused: Callable[[str, str, bytes, str], None]
    limiter: Limiter
    limited: Callable[[str, str, bytes, str], None]
    heard: Callable[[str], None]
    recheck_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Method:
    """A method: its name as counted, who may call it, what it does, how its bytes are read and written.

    `writes_itself` says that `behaviour` is a coroutine that writes through its context, serialised by grpc.
    """

    name: str
    parties: frozenset[Party]
    behaviour: Behaviour
    parse: Callable[[bytes], Any]
    serialise: Callable[[Any], bytes]
    max_bytes: int
    request_streaming: bool
    response_streaming: bool
    writes_itself: bool = False

    def read(self, data: bytes) -> Any:
        """One request, refused by its size before it is parsed. Raises TooLarge, InvalidInput."""
        if len(data) > self.max_bytes:
            raise TooLarge(
                "REQUEST_TOO_LARGE", f"A request of this method has at most {self.max_bytes} bytes; send less at once."
            )
        try:
            return self.parse(data)
        except Exception:  # noqa: BLE001 - parsers raise what they like, and its text belongs to nobody
            raise InvalidInput(
                "", "The bytes are not a request of this method; check the version of the client.", "REQUEST_UNREADABLE"
            ) from None

    def size(self, request: Any) -> int:
        """Bytes that came with the call. Those of a stream come later."""
        return 0 if self.request_streaming else len(request)

    def requests(self, request: Any, received: Callable[[int], None]) -> Any:
        """What the behaviour is given: the message, or an iterator of them, whose sizes `received` is told first."""
        return self._each(request, received) if self.request_streaming else self.read(request)

    async def _each(self, requests: AsyncIterator[bytes], received: Callable[[int], None]) -> AsyncIterator[Any]:
        async for data in requests:
            received(len(data))
            yield self.read(data)


def admit(gate: Gate, method: Method, leaf: bytes) -> Caller:
    """The caller, when its certificate holds and opens the method. Raises NotAuthenticated, NotPermitted."""
    caller = gate.authenticate(leaf)
    _permit(gate, method, caller)
    return caller


def _permit(gate: Gate, method: Method, caller: Caller) -> Party:
    party = role_of(caller, gate.own_division)
    if party not in method.parties:
        raise NotPermitted(
            "NOT_PERMITTED",
            "This certificate does not open this method. docs/permissions.md names the roles that do; "
            "ask the operator of this node for a certificate of such a role.",
        )
    return party


def _welcome(gate: Gate, method: Method, caller: Caller) -> None:
    """Permits the call that just came. Whoever calls can be called as well: a peer's call is contact with it."""
    if _permit(gate, method, caller) is Party.PEER_NODE:
        gate.heard(caller.division)


def answering(gate: Gate, method: Method) -> Wrapped:
    """The method with one response, guarded."""
    clock, observe, name = gate.clock, gate.observe, method.name

    async def answered(request: Any, context: Context) -> bytes:
        began = clock()
        try:
            caller = gate.authenticate(_certificate(context))
            account = gate.limiter.account(caller, began)
            size = method.size(request)
            try:
                # Before permission: what is asked in vain has its price as well.
                account.begin_call(size, began)
                try:
                    _welcome(gate, method, caller)
                    asked = method.requests(request, lambda size: account.receive(size, clock()))
                    response = method.serialise(await method.behaviour(asked, context, caller))
                finally:
                    account.end_call()
            except OverLimit as over:
                await _hold_back(account, over, size)
                raise
        except BaseException as error:
            refusal = _conclude(gate, method, context, error, began)
            if refusal is None:
                raise
            await context.abort(refusal.code, refusal.message, refusal.trailing_metadata)
        observe(name, "OK", clock() - began)
        return response

    return answered


def streaming(gate: Gate, method: Method, leases: Leases) -> Wrapped:
    """The method with a stream of responses, guarded and leased."""
    clock = gate.clock

    async def streamed(request: Any, context: Context) -> None:
        began = clock()
        try:
            leaf = _certificate(context)
            caller = gate.authenticate(leaf)
            account = gate.limiter.account(caller, began)
            size = method.size(request)
            try:
                account.begin_stream(size, began)
                try:
                    _welcome(gate, method, caller)
                    asked = method.requests(request, lambda size: account.receive(size, clock()))
                    async with leases.held(lambda: admit(gate, method, leaf)):
                        await _pass_on(_Stream(gate, method, leaf, account, context), asked, caller)
                finally:
                    account.end_stream()
            except OverLimit as over:
                await _hold_back(account, over, size)
                raise
        except BaseException as error:
            refusal = _conclude(gate, method, context, error, began)
            if refusal is None:
                raise
            await context.abort(refusal.code, refusal.message, refusal.trailing_metadata)
        gate.observe(method.name, "OK", clock() - began)

    return streamed


async def _hold_back(account: Account, over: OverLimit, size: int) -> None:
    """Keeps a caller waiting before it is told that it is over a limit: what is not answered is not repeated."""
    account.refused(over)
    held = account.hold(size)
    if held:
        try:
            await asyncio.sleep(held)
        finally:
            account.release(size)
        over.retry_seconds = max(over.retry_seconds - held, LEAST_RETRY_SECONDS)


@dataclass(frozen=True, slots=True)
class _Stream:
    """One stream of responses, and whose it is."""

    gate: Gate
    method: Method
    leaf: bytes
    account: Account
    context: Context

    async def write(self, response: Any) -> None:
        data = self.method.serialise(response)
        pause = self.account.send(len(data), self.gate.clock())
        if pause:
            await asyncio.sleep(pause)
        admit(self.gate, self.method, self.leaf)
        await self.context.write(data)


async def _pass_on(stream: _Stream, asked: Any, caller: Caller) -> None:
    behaviour = stream.method.behaviour(asked, stream.context, caller)
    if stream.method.writes_itself:
        await behaviour
        return
    async with aclosing(behaviour) as responses:
        async for response in responses:
            await stream.write(response)


def _certificate(context: Context) -> bytes:
    """The leaf that the peer presented in the handshake, PEM."""
    leaf = _presented(context)
    if not leaf:
        raise NotAuthenticated("CERTIFICATE_MISSING", "Connect with a client certificate of your jurisdiction.")
    return leaf


def _presented(context: Context) -> bytes:
    """The same, or nothing when there is none."""
    return next(iter(context.auth_context().get("x509_pem_cert", ())), b"")


def _conclude(gate: Gate, method: Method, context: Context, error: BaseException, began: float) -> Refusal | None:
    """Counts a call that did not answer. Our own words for the caller, or None when the error is to be passed on."""
    if not isinstance(error, Exception) or isinstance(error, grpc.aio.BaseError):
        # Cancelled by caller or deadline, the connection is gone, or a library's servicer has aborted by itself.
        gate.observe(method.name, _ended_by(context), gate.clock() - began)
        return None
    if isinstance(error, NotAuthenticated | NotPermitted):
        gate.refused(method.name, error.reason, _presented(context), context.peer())
    if isinstance(error, OverLimit):
        gate.limited(method.name, error.reason, _presented(context), context.peer())
    refusal = refusal_of(error, gate.new_incident)
    if refusal.incident:
        _log.error(
            "a call failed for an unforeseen reason", method=method.name, incident=refusal.incident, exc_info=error
        )
    gate.observe(method.name, refusal.code.name, gate.clock() - began)
    return refusal


def _ended_by(context: Context) -> str:
    code = context.code()
    if isinstance(code, grpc.StatusCode):
        return code.name
    remaining = context.time_remaining()
    return "DEADLINE_EXCEEDED" if remaining is not None and remaining < _CLOCK_SLACK_SECONDS else "CANCELLED"


@dataclass(eq=False, slots=True)
class _Lease:
    timeout: asyncio.Timeout
    check: Callable[[], object]
    timer: asyncio.TimerHandle
    withdrawn: HuxinError | None = None

    def holds(self) -> bool:
        """Whether the stream goes on; when its identity no longer holds, its task is ended."""
        try:
            self.check()
        except HuxinError as error:
            self.withdraw(error)
        return self.withdrawn is None

    def withdraw(self, why: HuxinError) -> None:
        """Ends the stream's task with `why`, whatever it is waiting for."""
        if self.withdrawn is None:
            self.withdrawn = why
            self.timeout.reschedule(asyncio.get_running_loop().time())


class Leases:
    """The open streams of a server, each with the right to go on until it is withdrawn."""

    def __init__(self, recheck_seconds: float) -> None:
        self._recheck_seconds = recheck_seconds
        self._open: set[_Lease] = set()
        self._closing: NotReady | None = None

    @asynccontextmanager
    async def held(self, check: Callable[[], object]) -> AsyncIterator[None]:
        """Holds a lease while the block runs. Raises what `check` raises, when the identity no longer holds."""
        if self._closing is not None:
            raise self._closing
        loop = asyncio.get_running_loop()

        def recheck() -> None:
            if lease.holds():
                lease.timer = loop.call_later(self._recheck_seconds, recheck)

        lease = _Lease(asyncio.timeout(None), check, loop.call_later(self._recheck_seconds, recheck))
        self._open.add(lease)
        try:
            async with lease.timeout:
                yield
        except TimeoutError:
            if lease.withdrawn is None:
                raise
            raise lease.withdrawn from None
        finally:
            self._open.discard(lease)
            lease.timer.cancel()

    def recheck_all(self) -> None:
        """Judges every open stream anew: the trusted state has changed."""
        for lease in tuple(self._open):
            lease.holds()

    def end_all(self) -> None:
        """Tells every open stream, and all that still come, that this node is going: their callers reconnect."""
        self._closing = NotReady("SHUTTING_DOWN", "This node is shutting down; connect again in a moment.")
        for lease in tuple(self._open):
            lease.withdraw(self._closing)
