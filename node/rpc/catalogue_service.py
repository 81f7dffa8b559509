"""`huxin.v1.CatalogueService`: taxonomy, catalogues and crosswalks, as loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from huxin.v1 import catalogue_service_pb2 as pb

from node.errors import NotFound
from node.model.catalogue import Catalogue, Crosswalk, Taxonomy
from node.rpc.caller import Caller
from node.rpc.guard import Service
from node.rpc.paging import page_of
from node.wire.catalogue import catalogue_message, coverage_cells, crosswalk_message, taxonomy_response
from node.wire.fields import division


@dataclass(frozen=True, slots=True)
class CatalogueShelf:
    """What is shown: the taxonomy, and one catalogue and at most one crosswalk per division, those in force."""

    taxonomy: Taxonomy
    catalogues: Sequence[Catalogue]
    crosswalks: Sequence[Crosswalk]


class CatalogueService:
    """Requests in, values out. `shelf` is asked at each call: what is in force changes with the day."""

    def __init__(self, shelf: Callable[[], CatalogueShelf]) -> None:
        self._shelf = shelf

    async def get_taxonomy(self, _request: pb.GetTaxonomyRequest, _caller: Caller) -> pb.GetTaxonomyResponse:
        return taxonomy_response(self._shelf().taxonomy)

    async def list_catalogues(self, request: pb.ListCataloguesRequest, _caller: Caller) -> pb.ListCataloguesResponse:
        page, token = page_of(
            self._shelf().catalogues, lambda each: each.division, request.page_size, request.page_token, "catalogues"
        )
        return pb.ListCataloguesResponse(
            catalogues=[catalogue_message(each, with_rows=False) for each in page], next_page_token=token
        )

    async def get_catalogue(self, request: pb.GetCatalogueRequest, _caller: Caller) -> pb.GetCatalogueResponse:
        wanted = division(request.division, "division")
        shelf = self._shelf()
        catalogue = next((each for each in shelf.catalogues if each.division == wanted), None)
        if catalogue is None:
            raise NotFound(
                "NO_SUCH_CATALOGUE", "This node has no catalogue of that division; ListCatalogues names those it has."
            )
        crosswalk = _crosswalk_of(shelf, wanted)
        return pb.GetCatalogueResponse(
            catalogue=catalogue_message(catalogue, with_rows=True),
            crosswalk=crosswalk_message(crosswalk) if crosswalk is not None else None,
        )

    async def get_coverage_matrix(
        self, _request: pb.GetCoverageMatrixRequest, _caller: Caller
    ) -> pb.GetCoverageMatrixResponse:
        shelf = self._shelf()
        return pb.GetCoverageMatrixResponse(
            cells=[
                cell
                for catalogue in sorted(shelf.catalogues, key=lambda each: each.division)
                for cell in coverage_cells(shelf.taxonomy, catalogue, _crosswalk_of(shelf, catalogue.division))
            ]
        )


def _crosswalk_of(shelf: CatalogueShelf, wanted: str) -> Crosswalk | None:
    return next((each for each in shelf.crosswalks if each.division == wanted), None)


def catalogue_service(shelf: Callable[[], CatalogueShelf]) -> Service:
    """The service as the guard takes it."""
    return Service(pb.DESCRIPTOR.services_by_name["CatalogueService"], CatalogueService(shelf))
