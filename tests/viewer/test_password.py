"""Who does not know the password gets nothing; who does gets a cookie, and everything with it."""

import base64
import http.client
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import viser
import websockets.exceptions
import websockets.sync.client
from gsseg_viewer.password import GUESSES, LONGEST, SECONDS, Gate, read_password
from gsseg_viewer.security import VISER, safe_server

from gsseg.errors import InputError

PASSWORD = "grüne Tür: 7"


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[viser.ViserServer]:
    running = safe_server(port=0, gate=Gate(PASSWORD, clock))
    yield running
    running.stop()


def basic(password: str, name: str = "anybody") -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def ask(server: viser.ViserServer, host: str = "localhost", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.get_port(), timeout=10)
    connection.request("GET", "/", headers={"Host": f"{host}:{server.get_port()}", **headers})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), body


def shake(server: viser.ViserServer, **headers: str) -> Any:
    there = socket.create_connection(("127.0.0.1", server.get_port()), timeout=10)
    connect: Any = websockets.sync.client.connect
    return connect(
        f"ws://localhost:{server.get_port()}", sock=there, additional_headers=headers,
        origin=f"http://localhost:{server.get_port()}", subprotocols=[f"viser-v{VISER}"], compression=None,
    )  # fmt: skip


def test_without_it_nothing_is_given(server: viser.ViserServer) -> None:
    status, headers, body = ask(server)
    assert status == 401
    assert headers["WWW-Authenticate"].startswith("Basic ")
    assert len(body) < 100
    assert "Set-Cookie" not in headers
    for wrong in ("", "grüne Tür: 8", PASSWORD + " ", PASSWORD[:-1]):
        assert ask(server, Authorization=basic(wrong))[0] == 401
    with pytest.raises(websockets.exceptions.InvalidStatus, match="401"):
        shake(server)


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Bearer x", "Basic " + "A" * 5000, "", "Basic Og=="])
def test_no_header_breaks_it(server: viser.ViserServer, header: str) -> None:
    assert ask(server, Authorization=header)[0] == 401


def test_with_it_comes_a_cookie_that_opens_everything(server: viser.ViserServer) -> None:
    status, headers, body = ask(server, Authorization=basic(PASSWORD))
    assert status == 200
    assert len(body) > 100_000
    cookie, *rules = headers["Set-Cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Strict"} <= set(rules)
    assert PASSWORD not in cookie
    assert ask(server, Cookie=f"other=1; {cookie}")[0] == 200
    assert ask(server, Cookie=cookie[:-1])[0] == 401
    with shake(server, Cookie=cookie) as client:
        assert client.recv(timeout=10)
    assert ask(server, host="evil.example", Cookie=cookie)[0] == 403, "foreign names are refused all the same"
    other = safe_server(port=0, gate=Gate(PASSWORD))
    try:
        name, value = cookie.split("=")
        renamed = name.replace(str(server.get_port()), str(other.get_port()))
        assert ask(other, Cookie=f"{renamed}={value}")[0] == 401, "a cookie is of one server"
    finally:
        other.stop()


def test_who_guesses_too_often_waits(server: viser.ViserServer, clock: Clock) -> None:
    for _ in range(GUESSES):
        assert ask(server, Authorization=basic("guess"))[0] == 401
    assert ask(server, Authorization=basic(PASSWORD))[0] == 429, "not even the right one is compared"
    clock.now += SECONDS + 1
    assert ask(server, Authorization=basic(PASSWORD))[0] == 200


def test_a_password_is_the_first_line_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(f"{PASSWORD}\r\nnote".encode())
    assert read_password(path) == PASSWORD
    for wrong in (b"\n", b"\nlater", b"\xff\xfe", b"a" * (LONGEST + 1), b"a\x07b"):
        path.write_bytes(wrong)
        with pytest.raises(InputError, match="password"):
            read_password(path)
    with pytest.raises(InputError, match="does not exist"):
        read_password(tmp_path / "none")


def test_a_person_answers_once_and_works(balls, browser, open_viewer, open_tab) -> None:
    """The websocket, which viser opens in a worker, comes in with the cookie; a reload does, too."""
    playwright = pytest.importorskip("playwright.sync_api")
    viewer = open_viewer(balls.document(), password=PASSWORD)
    tab = open_tab(viewer, password=PASSWORD)
    tab.page.reload()
    tab.come_back()
    stranger = browser.chromium.new_context()
    with pytest.raises(playwright.Error, match="ERR_INVALID_AUTH_CREDENTIALS"):
        stranger.new_page().goto(viewer.url)
    stranger.close()
    assert len(viewer.sessions) == 1
