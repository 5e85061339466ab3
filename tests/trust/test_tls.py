"""TLS: the options of a URL reach the driver, and ``verify-full`` really verifies."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from asyncmig import Migrator
from asyncmig.errors import DatabaseAccessError, DatabaseUnavailableError
from tests.engines.postgres.ground import ask, until, until_quiet
from tests.servers.tls import tls_in_front_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.migration_folder import MigrationFolder

TLS_FAILED = "cannot be reached with TLS as asked for"
TURNED_AWAY = (DatabaseAccessError, DatabaseUnavailableError)
"""Whether a server that breaks off the handshake says why, or hangs up, is a race of its own."""


class Papers:
    """Certificates for one test, and where they lie.

    Attributes:
        root: The file of the authority that signed the server's certificate.
        stranger: The file of an authority that did not.
        client: The file of a client's certificate, of the same authority.
        key: The file of its key.
    """

    def __init__(self, folder: Path) -> None:
        self._ours = trustme.CA()
        self.root = str(folder / "root.pem")
        self.stranger = str(folder / "stranger.pem")
        self.client = str(folder / "client.pem")
        self.key = str(folder / "client.key")
        self._ours.cert_pem.write_to_path(self.root)
        trustme.CA().cert_pem.write_to_path(self.stranger)
        client = self._ours.issue_cert("migrator@example.org")
        client.cert_chain_pems[0].write_to_path(self.client)
        client.private_key_pem.write_to_path(self.key)

    def server(self, host: str) -> ssl.SSLContext:
        """Return the server's side of TLS, with a certificate for a host."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ours.issue_cert(host).configure_cert(context)
        return context

    def demanding(self) -> ssl.SSLContext:
        """Return the side of a server that wants to see the client's certificate, too."""
        context = self.server("localhost")
        self._ours.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        return context


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    """Return certificates of today."""
    return Papers(tmp_path)


@pytest.fixture
def shop(migration_folder: MigrationFolder) -> MigrationFolder:
    """Return a folder with one migration."""
    migration_folder.write("1_users.sql", "CREATE TABLE users (id int);")
    return migration_folder


def migrator(url: str, shop: MigrationFolder, patience: float = 5.0) -> Migrator:
    """Return a migrator that logs nothing."""
    return Migrator(url, shop, observer=None, connect_timeout=patience)


@pytest.mark.parametrize(
    ("host", "query"),
    [
        ("localhost", "sslmode=verify-full&sslrootcert={root}"),
        ("localhost", "ssl=verify-full&sslrootcert={root}"),
        ("localhost", "ssl=true&sslrootcert={root}"),
        ("db.example", "sslmode=verify-ca&sslrootcert={root}"),
        ("db.example", "sslmode=require"),
        ("db.example", "sslmode=prefer"),
        ("db.example", ""),
        ("localhost", "sslmode=verify-full&sslrootcert={root}&ssl_min_protocol_version=TLSv1.3"),
    ],
)
async def test_what_is_asked_for_and_true_connects(
    postgres_url: str, shop: MigrationFolder, papers: Papers, host: str, query: str
) -> None:
    """And every connection of the run is encrypted."""
    async with tls_in_front_of(postgres_url, papers.server(host)) as server:
        url = f"{server.url}?{query.format(root=papers.root)}"
        report = await migrator(url, shop).up()
    assert ["1"] == [entry.key for entry in report.entries]
    assert (["TLSv1.3"], 0) == (server.versions, server.refused)


@pytest.mark.parametrize(
    ("host", "query"),
    [
        ("db.example", "sslmode=verify-full&sslrootcert={root}"),
        ("db.example", "ssl=true&sslrootcert={root}"),
        ("localhost", "sslmode=verify-full&sslrootcert={stranger}"),
        ("localhost", "sslmode=verify-ca&sslrootcert={stranger}"),
        ("localhost", "sslmode=verify-full&sslrootcert=system"),
        ("localhost", "sslrootcert=system"),
        ("localhost", "ssl=true"),
    ],
)
async def test_who_cannot_prove_to_be_the_server_is_refused(
    postgres_url: str, shop: MigrationFolder, papers: Papers, host: str, query: str
) -> None:
    """A wrong name, an unknown authority: at once, before a password is sent, and with a hint."""
    async with tls_in_front_of(postgres_url, papers.server(host)) as server:
        url = f"{server.url}?{query.format(root=papers.root, stranger=papers.stranger)}"
        with pytest.raises(DatabaseAccessError, match=TLS_FAILED) as caught:
            await migrator(url, shop).up()
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
    assert "check sslmode and the certificates" == caught.value.hint
    assert 0 == server.refused


@pytest.mark.parametrize("query", ["ssl=true", "sslmode=verify-full&sslrootcert=system"])
async def test_the_certificates_of_the_system_are_used(
    postgres_url: str,
    shop: MigrationFolder,
    papers: Papers,
    monkeypatch: pytest.MonkeyPatch,
    query: str,
) -> None:
    """SSL_CERT_FILE is how OpenSSL is told where they are."""
    monkeypatch.setenv("SSL_CERT_FILE", papers.root)
    async with tls_in_front_of(postgres_url, papers.server("localhost")) as server:
        await migrator(f"{server.url}?{query}", shop).up()
    async with tls_in_front_of(postgres_url, papers.server("db.example")) as server:
        with pytest.raises(DatabaseAccessError, match=TLS_FAILED):
            await migrator(f"{server.url}?{query}", shop).up()


async def test_a_server_that_wants_tls_is_not_spoken_to_in_the_clear(
    postgres_url: str, shop: MigrationFolder, papers: Papers
) -> None:
    """sslmode=disable is kept, and fails."""
    async with tls_in_front_of(postgres_url, papers.server("localhost")) as server:
        with pytest.raises(DatabaseUnavailableError):
            await migrator(f"{server.url}?sslmode=disable", shop, patience=0.3).up()
    assert [] == server.versions
    assert server.refused


@pytest.mark.parametrize(
    "query", ["sslmode=require", "sslmode=verify-full&sslrootcert={root}", "ssl=true"]
)
async def test_a_server_without_tls_is_refused(
    postgres_url: str, shop: MigrationFolder, papers: Papers, query: str
) -> None:
    """Somebody in between could have said that there is none."""
    url = f"{postgres_url.partition('?')[0]}?{query.format(root=papers.root)}"
    with pytest.raises(DatabaseAccessError, match=TLS_FAILED):
        await migrator(url, shop).up()


async def test_a_client_certificate_is_shown(
    postgres_url: str, shop: MigrationFolder, papers: Papers
) -> None:
    """By sslcert and sslkey; without them a server that wants one lets nobody in."""
    full = f"sslmode=verify-full&sslrootcert={papers.root}"
    async with tls_in_front_of(postgres_url, papers.demanding()) as server:
        url = f"{server.url}?{full}&sslcert={papers.client}&sslkey={papers.key}"
        report = await migrator(url, shop).up()
        assert ["1"] == [entry.key for entry in report.entries]
        with pytest.raises(TURNED_AWAY):
            await migrator(f"{server.url}?{full}", shop, patience=0.3).up()


async def test_an_older_tls_than_asked_for_is_refused(
    postgres_url: str, shop: MigrationFolder, papers: Papers
) -> None:
    """ssl_min_protocol_version reaches the handshake."""
    old = papers.server("localhost")
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    query = f"sslmode=verify-full&sslrootcert={papers.root}"
    async with tls_in_front_of(postgres_url, old) as server:
        await migrator(f"{server.url}?{query}", shop).up()
        newer = f"{server.url}?{query}&ssl_min_protocol_version=TLSv1.3"
        with pytest.raises(TURNED_AWAY):
            await migrator(newer, shop, patience=0.3).up()
    assert ["TLSv1.2"] == server.versions


async def test_a_request_to_cancel_is_encrypted_too(
    postgres_url: str, shop: MigrationFolder, papers: Papers
) -> None:
    """It goes through a connection of its own, and ends the statement on the server."""
    shop.write("2_slow.sql", "SELECT pg_sleep(60);")
    query = f"sslmode=verify-full&sslrootcert={papers.root}"
    async with tls_in_front_of(postgres_url, papers.server("localhost")) as server:
        runner = asyncio.create_task(migrator(f"{server.url}?{query}", shop).up())
        await until(lambda: is_asleep(postgres_url))
        runner.cancel()
        with pytest.raises(asyncio.CancelledError):
            await runner
        await until_quiet(postgres_url)
    assert (["TLSv1.3"] * 2, 0) == (server.versions, server.refused)


async def is_asleep(url: str) -> bool:
    """Tell whether a migration is in the middle of its statement."""
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    return [(1,)] == await ask(url, asleep)
