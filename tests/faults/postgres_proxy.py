"""A proxy that counts the messages of a client, and lets a fault happen at one of them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from tests.faults.matrix import Fault, LostOrDoubledError
from tests.faults.postgres_messages import CANCEL_REQUEST, STARTUP, Framing, is_same
from tests.servers.proxy import RESET_ON_CLOSE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from tests.faults.postgres_messages import Message
    from tests.faults.postgres_weapons import Weapons

WITHIN = (
    Fault.CUT_WITHIN,
    Fault.KILL_WITHIN,
    Fault.TERMINATE_WITHIN,
    Fault.CANCEL_WITHIN,
)
"""Faults in the middle of a statement that waits for other transactions."""

_CHUNK = 1 << 16
_ANOTHER = 1_000_000_000  # no system has so many processes


@dataclass(slots=True)
class Strike:
    """One fault, at one message.

    Attributes:
        position: Of the message in the recording, from 0.
        fault: What happens there.
        recording: What the client said without a fault; it has to say the same up to there.
        weapons: What it is carried out with.
        fell: Whether it came to it.
        strayed: What the client said in place of what was recorded, if it did before.
    """

    position: int
    fault: Fault
    recording: Sequence[str]
    weapons: Weapons
    fell: bool = False
    strayed: list[str] = field(default_factory=list[str])

    def is_due(self, position: int, said: str) -> bool:
        """Compare a message with the recording, and tell whether it is the one."""
        if self.fell:
            return False
        expected = self.recording[position] if position < len(self.recording) else "nothing"
        if not is_same(said, expected):
            self.strayed.append(f"at {position} {said!r} in place of {expected!r}")
        self.fell = position == self.position
        return self.fell

    def refuse_to_have_missed(self) -> None:
        """Refuse a run that was not the recorded one up to the fault.

        Raises:
            LostOrDoubledError: So it was, and says nothing about the fault.
        """
        if self.strayed or not self.fell:
            raise LostOrDoubledError(f"the run left the recording: {'; '.join(self.strayed[:1])}")


class FaultProxy:
    """Stand between a client and a server, write down what the client says, and strike once.

    An asynchronous context manager; connect to `url` inside it.

    Args:
        url: The server's.
        strike: What to do; ``None`` to write down only.
        pooled: Whether to look like a connection pooler, which has a process id of its own.

    Attributes:
        said: What the client said, message by message, over its connections one after the other;
            not over a second one at the same time, which only looks on, and does so when a machine
            is slow.
    """

    def __init__(self, url: str, strike: Strike | None = None, *, pooled: bool = False) -> None:
        self.said: list[str] = []
        self._pid_offset = _ANOTHER if pooled else 0
        self._target = urlsplit(url)
        self._strike = strike
        self._server: asyncio.Server | None = None
        self._serving: dict[asyncio.Task[None], _Link] = {}
        self._broken: list[Exception] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for link in self._serving.values():
            link.reset()
        await asyncio.gather(*self._serving, return_exceptions=True)
        if self._broken and error is None:
            raise self._broken[0]

    @property
    def url(self) -> str:
        """The server's URL, by way of this proxy."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        login = self._target.netloc.rpartition("@")[0]
        return self._target._replace(netloc=f"{login}@127.0.0.1:{port}").geturl()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, server = await asyncio.open_connection(self._target.hostname, self._target.port)
        link = _Link(writer, server, self._pid_offset)
        task = asyncio.current_task()
        assert task is not None
        self._serving[task] = link
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._listen(link, reader))
                pumps.create_task(link.relay(answers))
        except* Exception as group:  # noqa: BLE001 - it is raised where the proxy ends
            self._broken += group.exceptions
        finally:
            del self._serving[task]
            link.close()

    async def _listen(self, link: _Link, reader: asyncio.StreamReader) -> None:
        framing = Framing(opens_untyped=True)
        with contextlib.suppress(OSError):  # the client's end is gone
            while chunk := await reader.read(_CHUNK):
                for message in framing.feed(chunk):
                    await self._pass_on(link, message)
        link.server.close()

    async def _pass_on(self, link: _Link, message: Message) -> None:
        strike = self._strike
        if message.kind == CANCEL_REQUEST:  # it follows from a fault, at no certain time
            link.send(message.with_backend(message.backend - self._pid_offset))
            return
        if message.kind == STARTUP:
            link.looks_on = bool(self._others(link))
        if link.looks_on:
            link.send(message)
            return
        self.said.append(said := STARTUP if message.kind == STARTUP else message.said)
        if strike is not None and strike.is_due(len(self.said) - 1, said):
            await _fall(strike, link, message)
        else:
            link.send(message)

    def _others(self, link: _Link) -> list[_Link]:
        """Return the other connections on which something was said, and can yet be said."""
        return [each for each in self._serving.values() if each is not link and each.is_in_use]


async def _fall(strike: Strike, link: _Link, message: Message) -> None:
    """Let the fault happen at this message."""
    weapons = strike.weapons
    match strike.fault:
        case Fault.CUT_BEFORE:
            link.reset()
        case Fault.CUT_AFTER:
            await link.answered_in_secret(message)
            link.reset()
        case Fault.KILL:
            await weapons.on_runner()
            link.send(message)  # what a process has sent survives it
            link.server.close()
        case Fault.TERMINATE:
            if message.kind == STARTUP:
                await link.answered_in_secret(message)
                link.forget()  # so that its end is the first that the client hears
            await weapons.end_backend(link.backend)
            await link.has_hung_up.wait()
        case Fault.CANCEL | Fault.RIVAL:
            await weapons.on_runner()
            link.send(message)
        case _:
            await _fall_within(strike, link, message)


async def _fall_within(strike: Strike, link: _Link, message: Message) -> None:
    """Let the fault happen in the middle of a statement that waits for other transactions."""
    weapons = strike.weapons
    await weapons.hold_up()
    link.send(message)
    await weapons.until_held_up(link.backend)
    match strike.fault:
        case Fault.CUT_WITHIN:
            link.reset()
        case Fault.KILL_WITHIN:
            await weapons.on_runner()
            link.server.close()
        case Fault.TERMINATE_WITHIN:
            await weapons.end_backend(link.backend)
        case Fault.CANCEL_WITHIN:
            await weapons.on_runner()
        case _:
            raise AssertionError(strike.fault)


class _Link:
    """A client's connection and the server's connection that belongs to it."""

    def __init__(
        self, client: asyncio.StreamWriter, server: asyncio.StreamWriter, pid_offset: int
    ) -> None:
        self.server = server
        self._pid_offset = pid_offset
        self.backend = 0
        self.is_in_use = False
        self.looks_on = False
        self._client = client
        self._secret = False
        self._awaited: frozenset[str] = frozenset()
        self._answered = asyncio.Event()
        self.has_hung_up = asyncio.Event()

    def send(self, message: Message) -> None:
        """Give a message to the server."""
        self.is_in_use = message.kind != "X"  # Terminate
        if not self.server.is_closing():
            self.server.write(message.raw)

    async def answered_in_secret(self, message: Message) -> None:
        """Give a message to the server, and return when it has answered, or has hung up.

        The client does not get to know of it.
        """
        self._secret = True
        self._awaited = message.answer
        self.send(message)
        if message.answer or message.kind == "X":
            await self._answered.wait()

    def forget(self) -> None:
        """Keep what was secret for ever, and the rest secret no more."""
        self._secret = False

    async def relay(self, answers: asyncio.StreamReader) -> None:
        """Give the server's answers to the client until the server hangs up."""
        framing = Framing(opens_untyped=False)
        with contextlib.suppress(OSError):  # the server's end is gone
            while chunk := await answers.read(_CHUNK):
                for message in framing.feed(chunk):
                    self._relay(message)
        self._answered.set()
        self.has_hung_up.set()
        if not self._secret:
            self._client.close()

    def _relay(self, message: Message) -> None:
        if message.kind == "K":
            self.backend = message.backend
            message = message.with_backend(self.backend + self._pid_offset)
        if not self._secret and not self._client.is_closing():
            self._client.write(message.raw)
        if message.kind in self._awaited:
            self._answered.set()

    def reset(self) -> None:
        """Break both connections with a TCP reset, so that neither end gets a goodbye."""
        for end in (self._client, self.server):
            if end.is_closing():  # what it still has to deliver is not to be lost
                continue
            connection: socket.socket = end.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            end.transport.abort()

    def close(self) -> None:
        """Close both connections in good order."""
        self._client.close()
        self.server.close()
