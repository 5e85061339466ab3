"""A password is in no log, event, error, repr, traceback, document or statement."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

import asyncmig
from asyncmig import Migrator
from asyncmig.cli.main import main
from asyncmig.errors import DatabaseUrlError
from tests.engines.postgres.ground import as_role, ask, do, until
from tests.trust.overheard import ENCODED, PASSWORD, Overheard, listening
from tests.trust.situations import SITUATIONS, URLS, Stage
from tests.trust.statements import log_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.migration_folder import MigrationFolder

USERS = "-- migrate:up\nCREATE TABLE users ();\n-- migrate:down\nDROP TABLE users;\n"
RULES = ("host all keeper all scram-sha-256", "host all all all trust")


@pytest.fixture
def keeper_url(recording_url: str) -> str:
    """Return the URL of a role that has to say the password, on a server that logs all it hears."""
    asyncio.run(_ask_for_the_password(recording_url))
    return as_role(recording_url, "keeper").replace("keeper@", f"keeper:{ENCODED}@")


async def _ask_for_the_password(recording_url: str) -> None:
    ((path,),) = await ask(recording_url, "SHOW hba_file")
    rules = " UNION ALL ".join(f"SELECT '{rule}'" for rule in RULES)
    await do(recording_url, f"COPY ({rules}) TO '{path}'; SELECT pg_reload_conf()")
    await do(
        recording_url,
        f"DROP ROLE IF EXISTS keeper; CREATE ROLE keeper LOGIN SUPERUSER PASSWORD '{PASSWORD}'",
    )

    async def is_in_force() -> bool:
        rules = await ask(recording_url, "SELECT count(*) FROM pg_hba_file_rules")
        return rules == [(len(RULES),)]

    await until(is_in_force)


@pytest.fixture
def shop(migration_folder: MigrationFolder) -> MigrationFolder:
    """Return a folder with one migration."""
    migration_folder.write("1_users.sql", USERS)
    return migration_folder


@pytest.mark.parametrize("name", SITUATIONS)
async def test_no_situation_shows_the_password(
    keeper_url: str, shop: MigrationFolder, name: str
) -> None:
    """Whatever happens: to every log, to the observer, in errors and in what they are made of."""
    play, ends_in = SITUATIONS[name]
    log = await log_of(keeper_url)
    since = await log.size()
    with listening() as heard:
        if ends_in is None:
            await play(Stage(keeper_url, shop, heard))
        else:
            with pytest.raises(ends_in) as caught:
                await play(Stage(keeper_url, shop, heard))
            heard.error(caught.value)
    heard.hear("the server", log.path.read_bytes()[since:].decode())
    assert [] == heard.leaks()


async def test_who_listens_hears(keeper_url: str, shop: MigrationFolder) -> None:
    """Else the tests here would prove nothing: logs, events, reprs, variables and the server."""
    log = await log_of(keeper_url)
    since = await log.size()
    with listening() as heard:
        stage = Stage(keeper_url, shop, heard)
        stage.heard.thing(await stage.migrator().up())
        logging.getLogger("some.library").debug("by the way: %s", PASSWORD)
        await asyncmig.migrate(keeper_url, shop)
        await do(keeper_url, f"/* {PASSWORD} */ SELECT 1")
        with pytest.raises(ValueError, match="URL") as caught:
            urlsplit(f"http://[{PASSWORD}")  # a frame outside of the tests, with a variable
        heard.error(caught.value)
    heard.hear("the server", log.path.read_bytes()[since:].decode())
    for words in ("MigrationApplied(", "RunReport(", "asyncmig.run_finished"):
        assert words in heard.words, words
    who = {leak.partition(":")[0] for leak in heard.leaks()}
    assert {"log some.library", "the server", "variables behind ValueError"} == who


@pytest.mark.parametrize("url", URLS)
def test_no_wrong_url_shows_the_password(url: str, tmp_path: Path) -> None:
    """Nor any part of it that was taken for something else."""
    heard = Overheard()
    for call in (
        lambda: Migrator(url, tmp_path),
        lambda: Migrator("postgresql://host/shop", tmp_path, direct_url=url),
        lambda: asyncmig.lifespan(url, tmp_path),
    ):
        with pytest.raises(DatabaseUrlError) as caught:
            call()
        heard.error(caught.value)
    assert [] == heard.leaks()


COMMANDS = (
    ("up", "--json"),
    ("status", "-vv"),
    ("plan", "--sql"),
    ("history",),
    ("verify", "--json"),
    ("wait", "--timeout", "10s"),
    ("down", "--log-format", "console", "-vv"),
    ("up", "--json", "--table", "no such\nname"),
    ("up", "--direct-url", f"postgresql://keeper:{ENCODED}@host:x/"),
    ("up", "--wait-timeout", f"postgresql://keeper:{ENCODED}@host/shop"),
    ("up", f"postgresql://keeper:{ENCODED}@host/shop"),
    ("up", f"--databse=postgresql://keeper:{ENCODED}@host/shop"),
    (f"postgresql://keeper:{ENCODED}@host/shop",),
    *(("status", "--json", "--database", url) for url in URLS),
)


def test_no_command_shows_the_password(
    keeper_url: str,
    shop: MigrationFolder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Results, documents, logs and errors of the command line, right and wrong."""
    monkeypatch.chdir(shop.path.parent)
    monkeypatch.setenv("DATABASE_URL", keeper_url)
    heard = Overheard()
    for words in COMMANDS:
        main(words)
        said = capsys.readouterr()
        heard.hear(" ".join(words[:2]), said.out, said.err)
    assert "asyncmig.migration_applied" in heard.words
    assert [] == heard.leaks()
