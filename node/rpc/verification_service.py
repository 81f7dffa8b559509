"""`huxin.v1.VerificationService`: verification of reports for relying parties of this jurisdiction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from huxin.v1 import verification_service_pb2 as pb

from node.errors import InvalidInput, TooLarge
from node.model.joint import JointVerdict
from node.model.presentation import Presentation
from node.model.requirement import Requirement
from node.model.subject import SubjectRef
from node.model.verdict import Verdict
from node.rpc.caller import Caller
from node.rpc.guard import DEFAULT_REQUEST_BYTES, Service
from node.rpc.paging import page_of
from node.rpc.requests import report_number
from node.wire.fields import division, instant
from node.wire.joint import joint_verdict_message
from node.wire.requirement import requirement, requirement_message
from node.wire.subject import claimed_subject, presented_subject
from node.wire.verdict import encode_batch_response, encode_verify_response

MAX_BUNDLE_BYTES = 1024 * 1024
MAX_BATCH_ITEMS = 1_000
MAX_PRESENTED = 16
"""Reports, and territories, of one joint verdict: each report is verified for each territory that it speaks for."""


class Verification(Protocol):
    """What this service asks of verification. Whatever a bundle holds, the answer is a verdict, not an error."""

    async def verify(self, presentation: Presentation) -> Verdict: ...
    async def verify_batch(
        self, items: Sequence[tuple[bytes, SubjectRef | None]], against: Requirement | None, at: datetime | None
    ) -> Sequence[Verdict]: ...
    async def present(
        self,
        bundles: Sequence[bytes],
        subject: SubjectRef | None,
        against: Requirement,
        territories: Sequence[str],
        at: datetime | None,
    ) -> JointVerdict: ...


class Procedures(Protocol):
    """The requirements of this jurisdiction's procedures. `get_requirement` raises NotFound."""

    def list_requirements(self) -> Sequence[Requirement]: ...
    def get_requirement(self, requirement_id: str) -> Requirement: ...


class VerificationService:
    """Requests in, use case, responses out. Verdicts leave as bytes: they are the hot path."""

    def __init__(
        self, verification: Verification, procedures: Procedures, max_batch_items: int = MAX_BATCH_ITEMS
    ) -> None:
        self._verification = verification
        self._procedures = procedures
        self._max_batch_items = max_batch_items

    async def verify(self, request: pb.VerifyRequest, _caller: Caller) -> bytes:
        presented = request.WhichOneof("presentation")
        if presented is None:
            raise InvalidInput("presentation", "Present a bundle or a report_number; neither is set.")
        _require_size(request.bundle)
        presentation = Presentation(
            bundle=request.bundle if presented == "bundle" else None,
            report_number=report_number(request.report_number) if presented == "report_number" else "",
            subject=claimed_subject(request.subject) if request.HasField("subject") else None,
            against=self._against(request),
            at=_at(request),
        )
        return encode_verify_response(await self._verification.verify(presentation))

    async def batch_verify(self, request: pb.BatchVerifyRequest, _caller: Caller) -> bytes:
        if len(request.items) > self._max_batch_items:
            raise TooLarge("REQUEST_TOO_LARGE", f"A batch has at most {self._max_batch_items} items; split it.")
        against = self._against(request)
        items = [
            (
                item.bundle,
                presented_subject(item.subject, f"items[{place}].subject") if item.HasField("subject") else None,
            )
            for place, item in enumerate(request.items)
        ]
        return encode_batch_response(await self._verification.verify_batch(items, against, _at(request)))

    async def present(self, request: pb.PresentRequest, _caller: Caller) -> pb.PresentResponse:
        if not 1 <= len(request.bundles) <= MAX_PRESENTED:
            raise InvalidInput("bundles", f"Present 1 to {MAX_PRESENTED} reports together.")
        for bundle in request.bundles:
            _require_size(bundle)
        against = self._against(request)
        if against is None:
            raise InvalidInput("against", "Name the requirement that the reports are to meet together.")
        joint = await self._verification.present(
            request.bundles,
            claimed_subject(request.subject) if request.HasField("subject") else None,
            against,
            _territories(request, against),
            _at(request),
        )
        return pb.PresentResponse(verdict=joint_verdict_message(joint))

    async def list_requirements(
        self, request: pb.ListRequirementsRequest, _caller: Caller
    ) -> pb.ListRequirementsResponse:
        page, token = page_of(
            self._procedures.list_requirements(),
            lambda each: each.requirement_id,
            request.page_size,
            request.page_token,
            "requirements",
        )
        return pb.ListRequirementsResponse(
            requirements=[requirement_message(each) for each in page], next_page_token=token
        )

    async def get_requirement(self, request: pb.GetRequirementRequest, _caller: Caller) -> pb.GetRequirementResponse:
        found = self._procedures.get_requirement(request.requirement_id)
        return pb.GetRequirementResponse(requirement=requirement_message(found))

    def _against(self, request: pb.VerifyRequest | pb.BatchVerifyRequest | pb.PresentRequest) -> Requirement | None:
        named = request.WhichOneof("against")
        if named == "requirement_id":
            return self._procedures.get_requirement(request.requirement_id)
        return requirement(request.requirement) if named == "requirement" else None


def _require_size(bundle: bytes) -> None:
    if len(bundle) > MAX_BUNDLE_BYTES:
        raise TooLarge(
            "BUNDLE_TOO_LARGE", f"A bundle has at most {MAX_BUNDLE_BYTES} bytes; ask for one with fewer sections."
        )


def _at(request: pb.VerifyRequest | pb.BatchVerifyRequest | pb.PresentRequest) -> datetime | None:
    return instant(request.at, "at") if request.HasField("at") else None


def _territories(request: pb.PresentRequest, against: Requirement) -> list[str]:
    if len(request.territories) > MAX_PRESENTED:
        raise InvalidInput("territories", f"Ask about at most {MAX_PRESENTED} territories at once.")
    named = [division(code, f"territories[{place}]") for place, code in enumerate(request.territories)]
    if len(set(named)) != len(named):
        raise InvalidInput("territories", "A territory is named twice; name each once.")
    if not named and not against.territory:
        raise InvalidInput(
            "territories", "Name the divisions for which the reports are to meet the requirement, such as 140000."
        )
    return named or [against.territory]


def verification_service(
    verification: Verification,
    procedures: Procedures,
    *,
    max_batch_bytes: int,
    max_batch_items: int = MAX_BATCH_ITEMS,
) -> Service:
    """The service as the guard takes it. `max_batch_bytes` is what the server receives at most in one message."""
    return Service(
        pb.DESCRIPTOR.services_by_name["VerificationService"],
        VerificationService(verification, procedures, max_batch_items),
        {
            "Verify": MAX_BUNDLE_BYTES + DEFAULT_REQUEST_BYTES,
            "BatchVerify": max_batch_bytes,
            "Present": max_batch_bytes,
        },
    )
