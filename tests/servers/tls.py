"""TLS in front of a plain test server, as PostgreSQL negotiates it: `S`, then the handshake."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncGenerator

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""What a client sends first (PostgreSQL manual, "Message Formats", SSLRequest)."""


class TlsServer:
    """A server that speaks TLS and nothing else.

    Attributes:
        url: The URL of the server behind it, by way of this one, on ``localhost``.
        versions: The version of TLS of each session so far, such as ``TLSv1.3``.
        refused: How many clients wanted to speak in the clear.
    """

    def __init__(self, url: str, context: ssl.SSLContext) -> None:
        self._target = urlsplit(url)
        self._context = context
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""
        self.versions: list[str] = []
        self.refused = 0

    def at(self, port: int) -> str:
        """Return the URL on a port, without a word about TLS."""
        login = self._target.netloc.rpartition("@")[0]
        return self._target._replace(netloc=f"{login}@localhost:{port}", query="").geturl()

    def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve a client, in a task of its own."""
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        """Break all connections."""
        for task in (ending := set(self._tasks)):
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        # One end is gone, or the client did not like the certificate: the test sees its side.
        with contextlib.suppress(OSError, ssl.SSLError, asyncio.IncompleteReadError):
            try:
                if await self._is_encrypted(reader, writer):
                    await self._pass_on(reader, writer)
            finally:
                writer.transport.abort()

    async def _is_encrypted(self, reader: StreamReader, writer: StreamWriter) -> bool:
        if await reader.readexactly(len(SSL_REQUEST)) != SSL_REQUEST:
            self.refused += 1
            return False
        writer.write(b"S")
        await writer.start_tls(self._context)
        self.versions.append(writer.get_extra_info("ssl_object").version())
        return True

    async def _pass_on(self, reader: StreamReader, writer: StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection(
            self._target.hostname, self._target.port
        )
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(_pump(reader, back_writer))
                pumps.create_task(_pump(back_reader, writer))
        finally:
            back_writer.transport.abort()


@asynccontextmanager
async def tls_in_front_of(url: str, context: ssl.SSLContext) -> AsyncGenerator[TlsServer]:
    """Put TLS in front of a server.

    Args:
        url: The plain server.
        context: The server's side of TLS: certificate, versions, what it asks of clients.
    """
    tls = TlsServer(url, context)
    server = await asyncio.start_server(tls.serve, "127.0.0.1", 0)
    tls.url = tls.at(server.sockets[0].getsockname()[1])
    try:
        yield tls
    finally:
        server.close()
        await tls.end()


async def _pump(reader: StreamReader, writer: StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()
    writer.close()
