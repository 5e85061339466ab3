"""A network that breaks in COMMIT: a TCP proxy for one tool."""

from __future__ import annotations

import asyncio
import contextlib
import enum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

COMMIT = b"COMMIT"  # the request of every driver here, and the beginning of the server's answer


class Lost(enum.Enum):
    """What does not arrive."""

    REQUEST = "the COMMIT"
    ANSWER = "the answer to it"


class Cutter:
    """Break the connection in place of delivering the next COMMIT, or the answer to it, once.

    Attributes:
        url: The server, by way of this proxy.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._target = urlsplit(url)
        self._lost: Lost | None = None

    def arm(self, lost: Lost) -> None:
        """Break the next one; what has passed already does not count."""
        self._lost = lost

    async def serve(
        self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        """Stand between one client and the server until one of them ends, or it is cut."""
        from_server, to_server = await asyncio.open_connection(
            self._target.hostname, self._target.port
        )
        ends = (to_client, to_server)
        pumps = [
            asyncio.create_task(self._pump(from_client, to_server, Lost.REQUEST)),
            asyncio.create_task(self._pump(from_server, to_client, Lost.ANSWER)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.transport.abort()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, lost: Lost
    ) -> None:
        with contextlib.suppress(OSError):  # an end that is gone is not our concern
            while chunk := await source.read(1 << 16):
                if self._lost is lost and COMMIT in chunk:
                    self._lost = None
                    return
                sink.write(chunk)
                await sink.drain()


@contextlib.asynccontextmanager
async def cutter(url: str) -> AsyncGenerator[Cutter]:
    """Yield a proxy in front of a server."""
    made = Cutter(url)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    address = urlsplit(url)
    login = address.netloc.rpartition("@")[0]
    made.url = address._replace(netloc=f"{login}@127.0.0.1:{port}").geturl()
    try:
        yield made
    finally:
        server.close()
