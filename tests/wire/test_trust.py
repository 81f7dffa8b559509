"""A publication as a file: there and back, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import BadSource
from node.wire.trust import MAX_PUBLICATION_FILE_BYTES, decode_publication, encode_publication


@given(st.text(max_size=8), st.binary(max_size=50), st.dictionaries(st.text(max_size=20), st.binary(max_size=50)))
def test_there_and_back(division: str, metadata: bytes, files: dict[str, bytes]) -> None:
    data = encode_publication(division, metadata, files)
    assert decode_publication(data) == (division, metadata, files)
    assert encode_publication(division, metadata, dict(reversed(list(files.items())))) == data


@pytest.mark.parametrize("data", [b"\xff", b"PK\x03\x04", b"\n\x06140000\x12\x80\x80\x80\x80\x01", b"\n\x02\xff\xfe"])
def test_what_is_no_publication(data: bytes) -> None:
    with pytest.raises(BadSource, match="huxin trust publish"):
        decode_publication(data)


def test_its_size_is_judged_first() -> None:
    with pytest.raises(BadSource, match="9 MiB"):
        decode_publication(b"\xff" * (MAX_PUBLICATION_FILE_BYTES + 1))


@given(st.binary(max_size=300))
def test_noise_is_refused_in_words(data: bytes) -> None:
    try:
        division, metadata, files = decode_publication(data)
    except BadSource:
        return
    assert isinstance(division, str)
    assert isinstance(metadata, bytes)
    assert all(isinstance(path, str) for path in files)
