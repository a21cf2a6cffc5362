"""Which pages may talk to this server: its own, under names that nobody else can give it.

There is no login: who reaches the port acts. A page of another site in the same browser must not, neither by a form
(refused by its origin) nor by giving its own name this address (DNS rebinding; refused by the name). Addresses, and
names without a dot, can't belong to another site; a name with a dot has to be configured.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from console.problems import Problem, response_to

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class OwnOrigin:
    """ASGI middleware. `names` are the host names with a dot under which the server is known."""

    app: ASGIApp
    names: frozenset[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer foreign requests with 403, and pass the others on."""
        problem = None
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            problem = self._foreign_name(headers) or _foreign_page(headers, scope["method"])
        if problem is None:
            await self.app(scope, receive, send)
        else:
            await response_to(problem)(scope, receive, send)

    def _foreign_name(self, headers: Headers) -> Problem | None:
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        if "." not in host or _is_address(host) or host in self.names:
            return None
        return Problem(
            status=403,
            reason="foreign_host",
            detail=f"this server is not known as {host}",
            field="host",
            fix="Use its address, or name it in the setting store.names.",
        )


def _foreign_page(headers: Headers, method: str) -> Problem | None:
    if method in _READS:
        return None
    origin = headers.get("origin")
    site = headers.get("sec-fetch-site", "same-origin")
    own = origin is None or urlsplit(origin).netloc == headers.get("host")
    if own and site in {"same-origin", "none"}:
        return None
    return Problem(
        status=403,
        reason="foreign_origin",
        detail=f"a page of {origin or 'another site'} may not send this",
        field="origin",
        fix="Send it from the page of this server, or from a program without an Origin header.",
    )


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
