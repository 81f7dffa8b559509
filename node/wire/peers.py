"""Peers, what followers are sent, and what witnesses show, as messages."""

from __future__ import annotations

from huxin.v1 import admin_service_pb2 as admin_pb
from huxin.v1 import federation_service_pb2 as federation_pb

from node.model.log import FeedBatch
from node.model.peers import Acknowledged, PeerState
from node.model.witnesses import ShownHead, SplitNotes, SplitView, SuccessorLog
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
        known_size=peer.known_size,
        withheld=peer.withheld,
        witnesses=peer.witnesses,
        split_at=peer.split_at,
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


def shown_head(head: ShownHead) -> federation_pb.ShownHead:
    """What this node has to show of one log."""
    evidence = None if head.split is None else _evidence(head.split)
    return federation_pb.ShownHead(origin=head.origin, checkpoint=head.checkpoint, split=evidence)


def split_message(split: SplitView, successor: SuccessorLog | None) -> admin_pb.SplitView:
    """A log with two histories, and the log that goes on in its place, once there is one."""
    return admin_pb.SplitView(
        origin=split.origin,
        shown_by=split.shown_by,
        found_at=timestamp(split.found_at),
        agreed_size=split.agreed_size,
        evidence=_evidence(split.notes),
        successor=None if successor is None else _successor(successor),
    )


def _successor(log: SuccessorLog) -> admin_pb.SuccessorLog:
    return admin_pb.SuccessorLog(origin=log.origin, closed_size=log.closed_size, decided_at=timestamp(log.decided_at))


def _evidence(notes: SplitNotes) -> federation_pb.SplitEvidence:
    return federation_pb.SplitEvidence(
        first=notes.first, second=notes.second, root=notes.root, consistency=notes.consistency
    )
