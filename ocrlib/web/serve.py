"""Serves an app on 127.0.0.1 until Ctrl-C; only whom the printed address is given to gets in."""

import secrets
import socket
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp

from ocrlib.errors import UserError
from ocrlib.web.gate import Gate

HOST = "127.0.0.1"


def serve(app: ASGIApp, what: str, port: int = 0) -> None:
    """Serves an app until Ctrl-C, and prints its address.

    Args:
      app: what is served, behind a gate.
      what: a few words for the user, printed in front of the address.
      port: to listen on; 0 takes a free one.

    Raises:
      UserError: the port is in use.
    """
    with listen(port) as listening:
        server, address = make_server(app, listening)
        print(f"{what}: {address} (Ctrl-C ends it)", flush=True)
        with suppress(KeyboardInterrupt):  # which is how it is meant to end
            server.run(sockets=[listening])


def listen(port: int) -> socket.socket:
    """Returns a socket that this machine alone can reach.

    Raises:
      UserError: the port is in use.
    """
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()  # before the address is printed: a browser may be quicker than the server
    except OSError as error:
        listening.close()
        why = f"--port {port}: cannot be listened on: {error.strerror}; leave it out, or take another"
        raise UserError(why) from None
    return listening


def make_server(app: ASGIApp, listening: socket.socket) -> tuple[uvicorn.Server, str]:
    """Returns a server of an app behind a gate, and its address, which holds the token."""
    port, token = listening.getsockname()[1], secrets.token_urlsafe(32)
    config = uvicorn.Config(
        Gate(app, port, token),
        log_level="warning",
        access_log=False,  # it would hold the token
        server_header=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config), f"http://{HOST}:{port}/{token}/"
