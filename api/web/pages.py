"""Pages: shells of HTML without any data of a customer. What they show they fetch from the JSON API with the reader's token.

So a page needs no session and no second set of rules; the policies below let it load nothing but our own files.
"""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.templating import Jinja2Templates
from starlette.responses import FileResponse, RedirectResponse, Response

from api.query import PageRoute
from models.errors import Refusal

router = APIRouter(include_in_schema=False, route_class=PageRoute)
HERE: Final = Path(__file__).parent
TEMPLATES: Final = Jinja2Templates(directory=HERE / "templates")
_OF_OTHERS: Final = {p.name: p for p in (HERE / "vendor").glob("*/*.*s")}
_FILES: Final = {p.name: p for p in (HERE / "static").iterdir() if p.is_file()} | _OF_OTHERS
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
# Swagger UI styles its elements one by one and draws its icons from data: addresses.
_DOCS_POLICY: Final = _POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'").replace(
    "img-src 'self'", "img-src 'self' data:"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
}


@router.get("/customers/{customer_id}/360")
def customer_360(request: Request, customer_id: str) -> Response:
    """One customer on one screen."""
    context = {"customer_id": customer_id, "production": request.app.state.settings.production}
    return TEMPLATES.TemplateResponse(request, "customer_360.html", context, headers=_HEADERS)


@router.get("/")
def root() -> Response:
    """Whoever opens the bare address is led to the description."""
    return RedirectResponse("/docs")


@router.get("/confirm/{proposal_id}")
def confirm(request: Request, proposal_id: str) -> Response:
    """What an assistant proposes, for its person to confirm or not."""
    context = {"proposal_id": proposal_id, "production": request.app.state.settings.production}
    return TEMPLATES.TemplateResponse(request, "confirm.html", context, headers=_HEADERS)


@router.get("/docs")
def docs(request: Request) -> Response:
    """The API's description, to read and to try."""
    return TEMPLATES.TemplateResponse(
        request, "docs.html", headers={**_HEADERS, "Content-Security-Policy": _DOCS_POLICY}
    )


@router.get("/static/{name}")
def static(name: str) -> Response:
    """A file of the pages."""
    found = _FILES.get(name)
    if found is None:
        raise Refusal("NOT_FOUND", "There is nothing at this path.")
    keep = "public, max-age=86400" if name in _OF_OTHERS else "no-cache"
    return FileResponse(found, media_type=_TYPES.get(found.suffix), headers={"Cache-Control": keep})
