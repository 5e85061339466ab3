"""A network that fails on command: a TCP proxy that stalls, resets, or cuts at given bytes."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import socket
import struct
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType

LONGEST_NEEDLE = 1 << 10  # bytes
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER, on, 0 s: close() sends RST instead of FIN


class Way(enum.Enum):
    """Which way bytes travel."""

    TO_SERVER = "to server"
    TO_CLIENT = "to client"


class Proxy:
    """Stand between a client and a PostgreSQL server, and fail when told to.

    An asynchronous context manager; connect to `url` inside it. It must run in a live event
    loop, so the client is either a coroutine beside it or another process.

    Attributes:
        connections: How many clients have connected so far.
        round_trips: How often a client spoke and the server answered, over all connections.
            Exact for clients that wait for each answer.
    """

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._cuts: dict[Way, bytes] = {}
        self.connections = 0
        self.round_trips = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server:
            self._server.close()
        self.reset()
        self.resume()  # a stalled pump would wait for ever
        await asyncio.gather(*self._serving, return_exceptions=True)

    @property
    def url(self) -> str:
        """The server's URL, by way of this proxy."""
        if self._server is None:
            message = "the proxy has an address only inside `async with`"
            raise RuntimeError(message)
        port: int = self._server.sockets[0].getsockname()[1]
        login = self._target.netloc.rpartition("@")[0]
        return self._target._replace(netloc=f"{login}@127.0.0.1:{port}").geturl()

    def stall(self) -> None:
        """Deliver nothing more, either way, and let both ends believe that all is well."""
        self._flowing.clear()

    def resume(self) -> None:
        """Deliver again, beginning with what was held back."""
        self._flowing.set()

    def reset(self) -> None:
        """Break every connection with a TCP reset at both ends; new ones are welcome."""
        for link in self._links:
            link.reset()

    def cut_on(self, needle: bytes, *, way: Way) -> None:
        """Reset a connection in place of delivering `needle`, once.

        `cut_on(b"COMMIT", way=Way.TO_SERVER)` loses the request: the server never sees it.
        With `Way.TO_CLIENT` it loses the answer, whose command tag reads the same: the server
        has committed and the client does not know.
        """
        self._cuts[way] = needle
        for link in self._links:
            link.seen[way] = b""  # what has passed cannot be held back any more

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise AssertionError
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        self.connections += 1
        try:
            server_reader, server_writer = await asyncio.open_connection(
                self._target.hostname, self._target.port
            )
        except OSError:
            writer.close()
            return
        link = _Link(writer, server_writer)
        self._links.add(link)
        if self._is_over:  # who came in the last moment, a request to cancel for one
            link.reset()
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(link, reader, server_writer, Way.TO_SERVER))
                pumps.create_task(self._pump(link, server_reader, writer, Way.TO_CLIENT))
        finally:
            link.close()
            await link.closed()
            self._links.discard(link)

    @property
    def _is_over(self) -> bool:
        return self._server is None or not self._server.is_serving()

    async def _pump(
        self,
        link: _Link,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        way: Way,
    ) -> None:
        with contextlib.suppress(OSError):  # one end is gone; finding that out is the test's part
            while chunk := await reader.read(1 << 16):
                await self._flowing.wait()
                link.seen[way] += chunk
                if self._is_cut(link.seen[way], way):
                    link.reset()
                    return
                link.seen[way] = link.seen[way][-LONGEST_NEEDLE:]
                self._count(link, way)
                writer.write(chunk)
                await writer.drain()
            writer.close()

    def _is_cut(self, seen: bytes, way: Way) -> bool:
        needle = self._cuts.get(way)
        if needle is None or needle not in seen:
            return False
        del self._cuts[way]
        return True

    def _count(self, link: _Link, way: Way) -> None:
        if way is Way.TO_CLIENT and link.spoke_last is Way.TO_SERVER:
            self.round_trips += 1
        link.spoke_last = way


class _Link:
    """One client's connection and the server's connection that belongs to it."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.spoke_last: Way | None = None
        # The end of what passed: the bytes to cut on may arrive in pieces.
        self.seen = dict.fromkeys(Way, b"")
        self._ends = (client, server)

    def reset(self) -> None:
        """Break both connections, so that neither end gets a goodbye."""
        for end in self._ends:
            connection: socket.socket = end.get_extra_info("socket")
            with contextlib.suppress(OSError):  # closed already
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            end.transport.abort()

    def close(self) -> None:
        """Close both connections in good order."""
        for end in self._ends:
            end.close()

    async def closed(self) -> None:
        """Wait until both are closed indeed: one that is not yet is a warning in a later test."""
        for end in self._ends:
            with contextlib.suppress(OSError):
                await end.wait_closed()
