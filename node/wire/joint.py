"""Joint verdicts as messages."""

from __future__ import annotations

from huxin.v1 import joint_verdict_pb2 as pb
from huxin.v1 import verdict_pb2

from node.model.joint import JointVerdict
from node.wire.verdict import DECISION_NUMBERS, encode_verdict, finding_message


def joint_verdict_message(joint: JointVerdict) -> pb.JointVerdict:
    """The answer to several reports together."""
    return pb.JointVerdict(
        decision=DECISION_NUMBERS[joint.decision],
        reasons=joint.reasons,
        territories=[
            pb.TerritoryFindings(
                territory=each.territory, reports=each.reports, findings=map(finding_message, each.findings)
            )
            for each in joint.territories
        ],
        verdicts=[
            pb.PresentedVerdict(
                report=each.report,
                territory=each.territory,
                verdict=verdict_pb2.Verdict.FromString(encode_verdict(each.verdict)),
            )
            for each in joint.verdicts
        ],
        requirement_title=joint.requirement_title,
    )
