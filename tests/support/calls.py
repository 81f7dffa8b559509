"""The status code of any method, whatever its shape."""

import asyncio

import grpc
import grpc.aio

_ENDED_MEANWHILE = "execute_batch"
"""What grpc.aio makes of a message that is written while the server's answer comes in: INTERNAL, of its own."""


async def code_of(channel: grpc.aio.Channel, method: str) -> grpc.StatusCode:
    """The code of a call with an empty message; OK as soon as it sends anything."""
    while True:
        try:
            return await _code_of(channel, method)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.INTERNAL or _ENDED_MEANWHILE not in (error.details() or ""):
                return error.code()


async def _code_of(channel: grpc.aio.Channel, method: str) -> grpc.StatusCode:
    call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(method)(timeout=10)
    try:
        await call.write(b"")
        await call.done_writing()
        if await call.read() is not grpc.aio.EOF:
            call.cancel()
            return grpc.StatusCode.OK
    except asyncio.InvalidStateError:
        pass  # refused before it was written
    return await call.code()  # may come after the stream's end was read
