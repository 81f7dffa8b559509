"""Status flags of reports: `StatusFlag` <-> model. UNREADABLE is told in verdicts and never asked for."""

from __future__ import annotations

from huxin.v1 import statement_pb2 as pb

from node.model.log import StatusFlag

STATUS_FLAGS: dict[pb.StatusFlag, StatusFlag] = {
    pb.STATUS_FLAG_UNDER_OBJECTION: StatusFlag.UNDER_OBJECTION,
    pb.STATUS_FLAG_CORRECTED: StatusFlag.CORRECTED,
    pb.STATUS_FLAG_SUPERSEDED: StatusFlag.SUPERSEDED,
    pb.STATUS_FLAG_REVOKED: StatusFlag.REVOKED,
    pb.STATUS_FLAG_NEWER_INFORMATION: StatusFlag.NEWER_INFORMATION,
}
STATUS_FLAG_NUMBERS = {
    **{value: number for number, value in STATUS_FLAGS.items()},
    StatusFlag.UNREADABLE: pb.STATUS_FLAG_UNREADABLE,
}
