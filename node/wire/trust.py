"""A publication as a file that is carried to the coordinator: `huxin.v1.TrustPublication`."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.message import DecodeError
from huxin.v1 import federation_service_pb2 as pb

from node.errors import BadSource

MAX_PUBLICATION_FILE_BYTES = 9 << 20


def encode_publication(division: str, metadata: bytes, files: Mapping[str, bytes]) -> bytes:
    """The file that is handed over."""
    return pb.TrustPublication(
        division=division,
        metadata=metadata,
        files=[pb.PublishedFile(path=path, content=content) for path, content in sorted(files.items())],
    ).SerializeToString(deterministic=True)


def decode_publication(data: bytes) -> tuple[str, bytes, dict[str, bytes]]:
    """Division, metadata and files by path; nothing of it is verified. Raises BadSource."""
    if len(data) > MAX_PUBLICATION_FILE_BYTES:
        raise BadSource("publication", f"it has more than {MAX_PUBLICATION_FILE_BYTES >> 20} MiB; publish less at once")
    try:
        found = pb.TrustPublication.FromString(data)
    except DecodeError:
        raise BadSource(
            "publication", "it is no file that `huxin trust publish -o` wrote; ask for the original"
        ) from None
    return found.division, found.metadata, {each.path: each.content for each in found.files}
