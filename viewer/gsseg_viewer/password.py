"""A password before the viewer: HTTP's Basic authentication once, then a cookie that means nothing elsewhere.

    no cookie, no password  -> 401, and the browser asks
    the right password      -> what was asked for, and the cookie
    the cookie              -> what was asked for; websockets come with it too

Both are compared in constant time. The cookie is a random number that is new with every start of the server, so that
it tells nothing of the password. Who guesses too often has to wait. Sources: RFC 7617 (Basic), RFC 6265 (cookies).
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from websockets import Request, Response
from websockets.asyncio.server import ServerConnection

from gsseg.errors import InputError
from gsseg.files import check_readable, reading

LONGEST = 1024
"""Bytes of a password."""

GUESSES, SECONDS = 8, 60.0
"""So many wrong passwords from one address within so many seconds; further ones are not even compared."""

_ADDRESSES = 1000
"""Whose guesses are counted; of more the oldest are forgotten."""

_HEADER = 8192


def read_password(path: Path) -> str:
    """The first line of a file; `InputError` where there is none, or it is too long or no text."""
    check_readable(path)
    with reading(path), path.open("rb") as stream:
        line = stream.read(LONGEST + 2).split(b"\n")[0].rstrip(b"\r")
    try:
        password = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(path, "is no text in UTF-8", "write the password into its first line") from error
    if not password or len(line) > LONGEST or not password.isprintable():
        problem = f"has no password of 1 to {LONGEST} bytes in its first line"
        raise InputError(path, problem, "write it there, and nothing else")
    return password


class Gate:
    """Lets in who knows the password."""

    def __init__(self, password: str, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock``: seconds."""
        self._password = _digest(password.encode("utf-8"))
        self._cookie = secrets.token_urlsafe(32)
        self._clock = clock
        self._guesses: OrderedDict[str, list[float]] = OrderedDict()

    def wrap(
        self, answer: Callable[[ServerConnection, Request], Response | None]
    ) -> Callable[[ServerConnection, Request], Response | None]:
        """``answer`` for those who may come in; runs on the server's event loop alone."""

        def gated(connection: ServerConnection, request: Request) -> Response | None:
            # Cookies do not tell ports apart: two viewers on one machine must not overwrite each other's.
            name = f"gsseg-{(connection.local_address or ('', 0))[1]}"
            if self._knows_cookie(request, name):
                return answer(connection, request)
            given = request.headers.get_all("Authorization")
            if not given:
                return _asking(connection)
            address = str((connection.remote_address or ("",))[0])
            if self._too_many(address):
                return connection.respond(HTTPStatus.TOO_MANY_REQUESTS, "Too many wrong passwords: wait a minute.\n")
            if len(given) != 1 or not hmac.compare_digest(_digest(_password_of(given[0])), self._password):
                self._guesses.setdefault(address, []).append(self._clock())
                while len(self._guesses) > _ADDRESSES:
                    self._guesses.popitem(last=False)
                return _asking(connection)
            response = answer(connection, request)
            if response is not None:
                response.headers["Set-Cookie"] = f"{name}={self._cookie}; HttpOnly; SameSite=Strict; Path=/"
            return response

        return gated

    def _knows_cookie(self, request: Request, name: str) -> bool:
        known = f"{name}={self._cookie}".encode()
        texts = [each[:_HEADER] for each in request.headers.get_all("Cookie")]
        given = [part.strip().encode("utf-8", "replace") for text in texts for part in text.split(";")]
        return any(hmac.compare_digest(each, known) for each in given)

    def _too_many(self, address: str) -> bool:
        recent = [when for when in self._guesses.get(address, []) if self._clock() - when < SECONDS]
        if recent:
            self._guesses[address] = recent
        else:
            self._guesses.pop(address, None)
        return len(recent) >= GUESSES


def _asking(connection: ServerConnection) -> Response:
    response = connection.respond(HTTPStatus.UNAUTHORIZED, "This viewer asks for a password.\n")
    response.headers["WWW-Authenticate"] = 'Basic realm="gsseg", charset="UTF-8"'
    return response


def _password_of(header: str) -> bytes:
    """The password in an Authorization header, whatever the name; empty where there is none."""
    scheme, _, told = header[:_HEADER].partition(" ")
    try:
        decoded = base64.b64decode(told.strip(), validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        return b""
    return decoded.partition(b":")[2]


def _digest(password: bytes) -> bytes:
    """Of one length, so that comparing does not tell how long the password is."""
    return hashlib.sha256(password).digest()
