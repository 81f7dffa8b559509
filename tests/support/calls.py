"""The status code of any method, whatever its shape."""

import asyncio

import grpc
import grpc.aio


async def code_of(channel: grpc.aio.Channel, method: str) -> grpc.StatusCode:
    """The code of a call with an empty message; OK as soon as it sends anything."""
    call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(method)(timeout=10)
    try:
        await call.write(b"")
        await call.done_writing()
        if await call.read() is not grpc.aio.EOF:
            call.cancel()
            return grpc.StatusCode.OK
    except grpc.aio.AioRpcError as error:
        return error.code()
    except asyncio.InvalidStateError:
        pass  # refused before it was written
    return await call.code()  # may come after the stream's end was read
