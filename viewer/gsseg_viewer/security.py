"""viser's server, for this machine and nobody else.

viser 1.1.1 answers whoever reaches its port, on all addresses unless told otherwise: a page of any site that is open in
the same browser can connect to it, either directly or after pointing a name of its own at 127.0.0.1 (DNS rebinding),
and any client can have it open a public tunnel. Here

    Host      must be a name of this machine or one that was allowed, with the right port
    Origin    where there is one, too; browsers send it with every websocket handshake and pages cannot forge it
    tunnels   cannot be asked for
    the port  is the one that was asked for, or there is no server
    framing   only by the viewer's own pages, so that no other page can lay itself over its buttons

All other requests, for files and for websockets, get 403. What those send who may come in is checked by
`gsseg_viewer.incoming`, and the page is mended where it passes. All this takes private names of viser, hence `VISER`.
"""

import asyncio
import errno
import logging
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import rich
import viser
import websockets.asyncio.server
from viser import _messages
from websockets import Headers, Request, Response
from websockets.asyncio.server import ServerConnection

from gsseg.errors import InputError
from gsseg_viewer.incoming import LARGEST, Doorkeeper
from gsseg_viewer.password import Gate

VISER = "1.1.1"
"""The only version this is known to hold for."""

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this machine that no foreign name server can give away."""

_NAME = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]+))?")
"""A name, a number or an IPv6 address in brackets, and perhaps a port."""

_REFUSAL = "This viewer answers only at the addresses it was started for.\n"

_CONSTRUCTION = threading.Lock()
"""One server at a time is made: `_guarding` changes a name that all of them use."""

_LOG = logging.getLogger("gsseg_viewer.connections")
"""Hears of broken connections and of what viser could not do for one, with tracebacks; by itself it says nothing."""
_LOG.propagate = False
_LOG.addHandler(logging.NullHandler())

ProcessRequest = Callable[[ServerConnection, Request], Response | None]
Mend = Callable[[bytes], bytes]
"""Makes viser's html page ours."""


def safe_server(
    host: str = "127.0.0.1",
    port: int = 8080,
    label: str | None = None,
    allowed_hosts: Iterable[str] = (),
    mend: Mend = bytes,
    doorkeeper: Doorkeeper | None = None,
    gate: Gate | None = None,
) -> viser.ViserServer:
    """Starts viser's server, closed to foreign pages.

    ``port`` 0: any that is free; see `viser.ViserServer.get_port`. ``label``: title of the panel. ``allowed_hosts``:
    further names under which browsers may come, behind a proxy or a tunnel: ``name`` for any port, ``name:port``,
    ``[address]`` of IPv6. ``mend``: what becomes of the page. ``doorkeeper``: checks what is received. ``gate``: asks
    for a password. Prints nothing, also later. InputError, naming it, for a port that is taken or forbidden, a host
    that is none of this machine, an allowed host that is no name, and another version of viser.
    """
    if viser.__version__ != VISER:
        raise InputError(
            "viser", f"is version {viser.__version__}", f"the viewer needs {VISER}: pip install viser=={VISER}"
        )
    allowed = frozenset(_checked(each) for each in allowed_hosts)
    listening = _listen(host, port)
    try:
        guard = _Guard(frozenset({*LOCAL_NAMES, host.lower()}), listening.getsockname()[1], allowed, mend, gate)
        with _CONSTRUCTION, _guarding(listening, guard, doorkeeper or Doorkeeper()), _hushed():
            server = viser.ViserServer(host=host, port=guard.port, label=label, verbose=False)
    except BaseException:
        listening.close()
        raise
    for message in (_messages.ShareUrlRequest, _messages.ShareUrlDisconnect):
        server._websock_server.unregister_handler(message)
    guard.opened.set()
    return server


def address_of(server: viser.ViserServer, client_id: int) -> str:
    """Path and query that a browser's connection was asked for with; empty where it is gone."""
    connection = server._websock_server._live_connections.get(client_id)
    return "" if connection is None or connection.request is None else connection.request.path


def client_of(server: viser.ViserServer, connection: ServerConnection) -> int | None:
    """The client that a connection is of; None where viser does not know it yet or any more."""
    live = server._websock_server._live_connections
    return next((client_id for client_id, each in live.items() if each is connection), None)


@dataclass(frozen=True, eq=False)
class _Guard:
    """Who may come in."""

    names: frozenset[str]
    """Names that need the port of the server."""
    port: int
    """The port of the server."""
    allowed: frozenset[tuple[str, int | None]]
    """Further names, each with its port or with any (None)."""
    mend: Mend
    """What becomes of the page."""
    gate: Gate | None = None
    """Asks for a password, where there is one."""
    opened: threading.Event = field(default_factory=threading.Event)
    """Set when viser's own handlers are gone that must not be reached."""

    def permits(self, connection: ServerConnection, request: Request) -> bool:
        """Whether a request comes under a name of this server, and not from a page of another."""
        hosts, origins = request.headers.get_all("Host"), request.headers.get_all("Origin")
        # On all addresses (0.0.0.0) a browser names the one it reaches; a number cannot be rebound as a name can.
        there = connection.local_address[0].lower() if connection.local_address else ""
        names = self.names | {there}
        return (
            self.opened.is_set()
            and len(hosts) == 1
            and self._is_ours(f"http://{hosts[0]}", names)
            and len(origins) <= 1
            and all(self._is_ours(each, names) for each in origins)
        )

    def _is_ours(self, origin: str, names: frozenset[str]) -> bool:
        parsed = _parsed(origin)
        if parsed is None:
            return False
        name, port = parsed
        return (name in names and port == self.port) or bool({parsed, (name, None)} & self.allowed)

    def wrap(self, answer: ProcessRequest) -> ProcessRequest:
        """``answer`` for those who may come in."""
        answer = answer if self.gate is None else self.gate.wrap(answer)

        def guarded(connection: ServerConnection, request: Request) -> Response | None:
            if not self.permits(connection, request):
                return connection.respond(HTTPStatus.FORBIDDEN, _REFUSAL)
            # What is packed with gzip could not be mended; the page is packed already and would gain little.
            if "Accept-Encoding" in request.headers:
                del request.headers["Accept-Encoding"]
            response = answer(connection, request)
            if response is not None:
                response.headers.update(_HEADERS)
                if response.headers.get("Content-Type") == "text/html":
                    response.body = self.mend(bytes(response.body))
                    del response.headers["Content-Length"]
                    response.headers["Content-Length"] = str(len(response.body))
            return response

        return guarded


_HEADERS = Headers(
    {"X-Frame-Options": "SAMEORIGIN", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
)


def _parsed(origin: str) -> tuple[str, int] | None:
    """Name and port of ``http://name:port`` and nothing more; None for all else, such as ``null``."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    bare = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in ("http", "https") or not parts.hostname or not bare:
        return None
    return parts.hostname, port or (443 if parts.scheme == "https" else 80)


def _checked(allowed: str) -> tuple[str, int | None]:
    """Name and port of an allowed host, in lower case; None for any port."""
    parsed, written = _parsed(f"http://{allowed}"), _NAME.fullmatch(allowed)
    if parsed is None or written is None:
        raise InputError(allowed or "''", "is no name of a host", "write it as name or name:port, without http://")
    return parsed[0], parsed[1] if written["port"] else None


def _listen(host: str, port: int) -> socket.socket:
    """A socket bound to exactly this address."""
    if not 0 <= port <= 65535:
        raise InputError(f"port {port}", "is no port", "choose one of 1024 to 65535, or 0 for any that is free")
    try:
        families = {found[0] for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        family = socket.AF_INET if socket.AF_INET in families else socket.AF_INET6
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            problem, remedy = "is taken by another program", "choose another port, or 0 for any that is free"
            raise InputError(f"port {port}", problem, remedy) from error
        if error.errno in (errno.EACCES, errno.EPERM):
            raise InputError(f"port {port}", "is not for ordinary users", "choose one above 1023") from error
        problem = f"is no address of this machine ({error.strerror or error})"
        raise InputError(
            host, problem, "use 127.0.0.1 for this machine alone, or 0.0.0.0 for all its networks"
        ) from error


@contextmanager
def _guarding(listening: socket.socket, guard: _Guard, doorkeeper: Doorkeeper) -> Iterator[None]:
    """Inside the block viser serves from this socket, through this guard, and prints nothing from its thread.

    viser gives neither to its caller: it asks websockets for a server in a thread of its own, with the port, or the
    next one, or the next.
    """
    serve = websockets.asyncio.server.serve

    def guarded(
        handler: Any, host: Any = None, port: Any = None, *, process_request: Any = None, **options: Any
    ) -> Any:
        if getattr(process_request, "__module__", None) != "viser.infra._infra":
            return serve(handler, host, port, process_request=process_request, **options)
        variables = dict(zip(handler.__code__.co_freevars, handler.__closure__, strict=True))
        variables["rich"].cell_contents = SimpleNamespace(print=lambda *_: None)
        # A task of viser's that fails is noted, for asyncio would print it.
        asyncio.get_running_loop().set_exception_handler(
            lambda _, told: _LOG.debug("%s", told, exc_info=told.get("exception"))
        )

        async def watched(connection: ServerConnection) -> None:
            doorkeeper.watch(connection)
            await handler(connection)

        options |= {"sock": listening, "process_request": guard.wrap(process_request), "max_size": LARGEST}
        return serve(watched, logger=_LOG, **options)

    websockets.asyncio.server.serve = guarded
    try:
        yield
    finally:
        websockets.asyncio.server.serve = serve


@contextmanager
def _hushed() -> Iterator[None]:
    """Inside the block rich prints nothing: viser's constructor announces its addresses."""
    console = rich.get_console()
    before, console.quiet = console.quiet, True
    try:
        yield
    finally:
        console.quiet = before
