"""The web page at `/`: files of the package, answered with a policy that lets nothing in from elsewhere.

The page's own scripts, styles and words are the only ones; every request goes back to this server.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

LANGUAGES: Final = ("en", "zh-CN")
COOKIE: Final = "synergy_language"
_COOKIE_S: Final = 365 * 24 * 3600
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
_INDEX: Final = "index.html"


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file as it is sent."""

    content: bytes
    media_type: str
    tag: str

    @classmethod
    def of(cls, content: bytes, media_type: str) -> PageFile:
        """Name the content by its hash."""
        return cls(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:20]}"')


def page_routes() -> tuple[Route, ...]:
    """Return the routes of the page and its files; they are read once."""
    shipped = _shipped()
    pages = {language: _page(language, shipped) for language in LANGUAGES}

    async def page(request: Request) -> Response:
        language = language_of(request)
        answer = _answer(request, pages[language])
        answer.headers["Content-Language"] = language
        answer.headers["Vary"] = "Accept-Language, Cookie"
        if request.query_params.get("lang") == language:
            answer.set_cookie(COOKIE, language, _COOKIE_S, samesite="strict")
        return answer

    async def file(request: Request) -> Response:
        found = shipped.get(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        return _answer(request, found)

    return Route("/", page), Route("/page/{name:path}", file)


def language_of(request: Request) -> str:
    """Return the language of the address, else the one chosen before, else the first that the browser asks for."""
    for asked in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if asked in LANGUAGES:
            return asked
    return accepted_language(request.headers.get("accept-language", ""))


def accepted_language(header: str) -> str:
    """Return the language of an Accept-Language header: the best of ours, English when there is none.

    >>> [accepted_language(one) for one in ("zh-TW,zh;q=0.9", "de, en;q=0.3, zh;q=0.7", "fr", "zh;q=x")]
    ['zh-CN', 'zh-CN', 'en', 'en']
    """
    best, found = 0.0, LANGUAGES[0]
    for entry in header.split(","):
        tag, _, rest = entry.strip().partition(";")
        try:
            weight = float(rest.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        primary = tag.partition("-")[0].lower()
        ours = next((one for one in LANGUAGES if one.partition("-")[0] == primary), None)
        if ours is not None and weight > best:
            best, found = weight, ours
    return found


def _answer(request: Request, file: PageFile) -> Response:
    headers = {**HEADERS, "ETag": file.tag}
    if file.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers=headers, media_type=file.media_type)


def _shipped() -> dict[str, PageFile]:
    return {
        name: PageFile.of(content, _TYPES[name[name.rindex(".") :]])
        for name, content in _files(files("console") / "web", "")
        if name[name.rindex(".") :] in _TYPES
    }


def _files(folder: Traversable, within: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        name = f"{within}{entry.name}"
        if entry.is_dir():
            yield from _files(entry, f"{name}/")
        else:
            yield name, entry.read_bytes()


def _page(language: str, shipped: Mapping[str, PageFile]) -> PageFile:
    """Return the page in a language: it names all modules, so that the browser asks for them at once."""
    text = (files("console") / "web" / _INDEX).read_text(encoding="utf-8")
    modules = "\n  ".join(
        f'<link rel="modulepreload" href="/page/{name}">'
        for name in sorted(shipped)
        if name.endswith(".js")
    )
    filled = text.replace("{{language}}", language).replace("{{modules}}", modules)
    return PageFile.of(filled.encode(), "text/html; charset=utf-8")
