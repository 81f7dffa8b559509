"""Protobuf wire format by hand (protobuf.dev/programming-guides/encoding): other encodings of the same message."""

from __future__ import annotations

from collections.abc import Callable, Iterator


def varint(number: int, width: int = 1) -> bytes:
    """A varint of at least `width` bytes; more than the shortest form is legal on the wire."""
    septets: list[int] = []
    while number or len(septets) < width:
        septets.append(number & 0x7F)
        number >>= 7
    return bytes(septet | 0x80 for septet in septets[:-1]) + bytes(septets[-1:])


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The varint at this place, and where it ends."""
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def chunks(data: bytes) -> list[tuple[int, bytes]]:
    """The top-level fields as (tag, everything after the tag), varints and length-delimited fields only."""
    found, at = [], 0
    while at < len(data):
        tag, start = read_varint(data, at)
        number, at = read_varint(data, start)
        if tag & 7 == 2:
            at += number
        found.append((tag, data[start:at]))
    return found


def joined(fields: list[tuple[int, bytes]]) -> bytes:
    return b"".join(varint(tag) + rest for tag, rest in fields)


def content(rest: bytes) -> bytes:
    """What a length-delimited field holds."""
    return rest[read_varint(rest, 0)[1] :]


def delimited(data: bytes, width: int = 1) -> bytes:
    return varint(len(data), width) + data


def other_encodings(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Other bytes that a lenient parser reads as the same message, or as the same message and a little more."""
    fields = chunks(data)
    yield "reversed", joined(fields[::-1])
    for at, (tag, rest) in enumerate(fields):
        before, after = fields[:at], fields[at + 1 :]
        yield f"long tag {at}", joined(before) + varint(tag, 4) + rest + joined(after)
        yield f"field twice {at}", joined([*before, (tag, rest), (tag, rest), *after])
        if tag & 7 == 2:
            long = delimited(content(rest), 4)
            yield f"empty, then real {at}", joined([*before, (tag, b"\x00"), (tag, rest), *after])
        else:
            number, _ = read_varint(rest, 0)
            long = varint(number, 9)
        yield f"long varint {at}", joined([*before, (tag, long), *after])
        yield f"unknown field {at}", joined([*before, (2047 << 3, b"\x01"), (tag, rest), *after])
        yield f"dropped {at}", joined([*before, *after])
    yield "unknown at the end", data + varint(2047 << 3) + b"\x01"
    yield "trailing zero", data + b"\x00"
    yield "cut", data[:-1]


def inside(data: bytes, tag: int, change: Callable[[bytes], bytes]) -> bytes:
    """The same message with the content of one length-delimited field changed, its length set right."""
    return joined([(t, delimited(change(content(rest))) if t == tag else rest) for t, rest in chunks(data)])
