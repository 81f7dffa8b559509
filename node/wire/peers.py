"""Peers and what followers are sent, as messages."""

from __future__ import annotations

from huxin.v1 import admin_service_pb2 as admin_pb
from huxin.v1 import federation_service_pb2 as federation_pb

from node.model.log import FeedBatch
from node.model.peers import Acknowledged, PeerState
from node.wire.fields import timestamp


def peer_message(peer: PeerState) -> admin_pb.Peer:
    """A peer and the replica of its log."""
    return admin_pb.Peer(
        division=peer.division,
        name_zh=peer.name_zh,
        endpoint=peer.endpoint,
        state=peer.state.value,
        replicated=peer.replicated,
        head_size=peer.head_size,
        fresh_at=timestamp(peer.fresh_at) if peer.fresh_at is not None else None,
        last_error=peer.last_error,
        last_reason=peer.last_reason,
        acknowledged=None if peer.acknowledged is None else _acknowledged(peer.acknowledged),
    )


def _acknowledged(told: Acknowledged) -> admin_pb.Acknowledged:
    return admin_pb.Acknowledged(
        size=told.size,
        lag=told.lag,
        measured=told.measured,
        p50_seconds=told.p50_seconds,
        p99_seconds=told.p99_seconds,
    )


def follow_response(batch: FeedBatch) -> federation_pb.FollowResponse:
    """One batch of a log."""
    return federation_pb.FollowResponse(
        first_index=batch.first_index,
        entries=batch.entries,
        checkpoint=batch.checkpoint,
        consistency=batch.consistency,
    )
