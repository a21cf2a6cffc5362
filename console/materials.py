"""`/api/v1/materials` and `/industries`: what the catalogue knows of a material, what an industry gives and takes."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console.lists import only_parameters
from console.problems import Problem, ProblemError
from synergy.catalogue import Catalogue
from synergy.catalogue.documents import (
    industries_of,
    industry_document,
    material_document,
    material_row,
)


def material_routes(catalogue: Catalogue) -> tuple[Route, ...]:
    """Return the routes of the catalogue."""

    async def listed(request: Request) -> Response:
        only_parameters(request.query_params, ())
        rows = [material_row(one) for _, one in sorted(catalogue.materials.items())]
        return JSONResponse({"materials": rows, "total": len(rows)})

    async def one(request: Request) -> Response:
        only_parameters(request.query_params, ())
        name = request.path_params["id"]
        material = catalogue.resolve(name)
        if material is None:
            detail = f"the catalogue has no material {name!r}"
            raise ProblemError(_unknown("material", detail, catalogue.names_like(name)))
        return JSONResponse(material_document(catalogue, material))

    async def industries(request: Request) -> Response:
        only_parameters(request.query_params, ())
        found = industries_of(catalogue)
        return JSONResponse({"industries": found, "total": len(found)})

    async def industry(request: Request) -> Response:
        only_parameters(request.query_params, ())
        code = request.path_params["id"]
        found = industry_document(catalogue, code)
        if found is None:
            fix = "Write an ISIC Rev. 4 class such as 3510, or its NACE class; /api/v1/industries lists all."
            detail = f"the catalogue has no industry {code!r}"
            raise ProblemError(_unknown("industry", detail, fix))
        return JSONResponse(found)

    return (
        Route("/api/v1/materials", listed),
        Route("/api/v1/materials/{id}", one),
        Route("/api/v1/industries", industries),
        Route("/api/v1/industries/{id}", industry),
    )


def _unknown(field: str, detail: str, fix: str) -> Problem:
    return Problem(status=404, reason=f"unknown_{field}", detail=detail, field="id", fix=fix)
