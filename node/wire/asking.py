"""Requests for reports of other jurisdictions: at the door of a window, and inside messages."""

from __future__ import annotations

from google.protobuf.message import DecodeError
from huxin.v1 import exchange_service_pb2 as pb
from huxin.v1 import message_pb2

from node.errors import InvalidInput
from node.model.asking import AskedReport, AskOrder, ReportAnswer, ReportAsk
from node.model.identifiers import parse_report_number
from node.model.messages import ID_BYTES
from node.wire.fields import code, division, period, period_message, timestamp
from node.wire.issuing import local_codes
from node.wire.messages import fixed_bytes
from node.wire.subject import claimed_subject, subject_claim

DIGEST_BYTES = 32
_SENTENCE = 500
_REASON = 64


def ask_order(request: pb.AskForReportRequest, request_id: str) -> AskOrder:
    """What a window asks for; `request_id` was checked before. Raises InvalidInput naming the field."""
    return AskOrder(request_id, division(request.receiver, "receiver"), _ask(request))


def asked_message(asked: AskedReport) -> pb.AskedReport:
    """A request as its caller is told of it."""
    return pb.AskedReport(
        id=asked.id.hex(),
        receiver=asked.receiver,
        state=asked.state.value,
        created_at=timestamp(asked.created_at),
        expires_at=timestamp(asked.expires_at),
        answered_at=None if asked.answered_at is None else timestamp(asked.answered_at),
        report_number=asked.report_number,
        reason=asked.reason,
        message=asked.message,
        downloadable=asked.downloadable,
    )


class MessageContents:
    """Contents of messages. Implements `node.federation.report_requests.Contents`.

    What a peer sealed is its word and nothing more: every field is checked as if a stranger had sent it.
    """

    def request(self, ask: ReportAsk) -> bytes:
        """Content of a `report_request`."""
        return message_pb2.ReportRequest(
            subject=subject_claim(ask.subject),
            period=None if ask.period is None else period_message(ask.period),
            local_codes=ask.local_codes,
            scenario=ask.scenario,
            evidence_digest=ask.evidence_digest,
        ).SerializeToString()

    def read_request(self, content: bytes) -> ReportAsk:
        """What is asked for. Raises InvalidInput."""
        message = message_pb2.ReportRequest()
        try:
            message.ParseFromString(content)
        except DecodeError:
            raise _unreadable() from None
        return _ask(message)

    def answer(self, answer: ReportAnswer) -> bytes:
        """Content of a `report_delivery`."""
        message = message_pb2.ReportDelivery(request_id=answer.request_id)
        if answer.report_number:
            message.report.report_number = answer.report_number
            message.report.bundle = answer.bundle
        else:
            message.refusal.reason = answer.reason
            message.refusal.message = answer.message
        return message.SerializeToString()

    def read_answer(self, content: bytes) -> ReportAnswer:
        """What was answered; a refusal's sentence is cut to one printable line. Raises InvalidInput."""
        message = message_pb2.ReportDelivery()
        try:
            message.ParseFromString(content)
        except DecodeError:
            raise _unreadable() from None
        request_id = fixed_bytes(message.request_id, "request_id", ID_BYTES)
        if message.WhichOneof("answer") == "report":
            number = parse_report_number(message.report.report_number, "report.report_number").text
            return ReportAnswer(request_id, number, message.report.bundle)
        if message.WhichOneof("answer") == "refusal":
            reason = message.refusal.reason
            if not 0 < len(reason) <= _REASON or not reason.replace("_", "A").isalnum() or not reason.isascii():
                raise InvalidInput("refusal.reason", "A reason is a code in capitals and underscores.")
            sentence = "".join(each for each in message.refusal.message if each.isprintable())
            return ReportAnswer(request_id, reason=reason, message=sentence[:_SENTENCE])
        raise InvalidInput("answer", "The answer is neither a report nor a refusal that this version knows.")


def _ask(message: pb.AskForReportRequest | message_pb2.ReportRequest) -> ReportAsk:
    return ReportAsk(
        subject=claimed_subject(message.subject),
        period=period(message.period, "period") if message.HasField("period") else None,
        local_codes=local_codes(message.local_codes, "local_codes"),
        scenario=code(message.scenario, "scenario"),
        evidence_digest=fixed_bytes(message.evidence_digest, "evidence_digest", DIGEST_BYTES),
    )


def _unreadable() -> InvalidInput:
    return InvalidInput("", "The content is no message of its kind; ask the sender's operator which version it runs.")
