"""The script of `plan --sql` does what `up` does, in the hands of psql and the sqlite3 shell."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.acceptance.bad_input.database import only_on_our_own_server
from tests.acceptance.conftest import on_each_database
from tests.acceptance.project import USERS, sleeping_migration, wait_for
from tests.servers.postgres import fresh_database

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.acceptance.project import Project

OF_THE_RUN = (
    "started_at",
    "finished_at",
    "duration_ms",
    "username",
    "hostname",
    "pid",
    "run_id",
)

NOTES = """\
-- it's a comment; with a quote
CREATE TABLE notes (id INTEGER, text TEXT); /* and ; another
*/
INSERT INTO notes VALUES (1, 'it''s; "quoted"'), (2, 'Žluťoučký kůň 🐎'), (3, 'two
lines; -- no comment
.quit
\\q');
INSERT INTO notes VALUES (4, 'back\\slash \\'), (5, ':USER :''USER'' :"USER"'), (6, '$$ $1 ?1')
-- the last one has no semicolon"""
OF_POSTGRESQL = """\
CREATE FUNCTION head(list int[], "USER" int, host int) RETURNS int[] LANGUAGE sql
BEGIN ATOMIC
    SELECT list[1:"USER"] || list[1:host] || list[1:2];
END;
CREATE TABLE quoted AS
SELECT E'it\\'s \\\\ é' AS escaped, U&'\\00e9' AS unicode, $tag$ ; ' \\ $$ $tag$ AS dollars,
    head(ARRAY[1, 2, 3], 1, 2) AS head;
DO $$ BEGIN PERFORM ':HOST'; END $$;
SET search_path TO pg_catalog;
"""
OF_SQLITE = """\
CREATE TABLE log (text TEXT);
CREATE TRIGGER users_log AFTER UPDATE ON users BEGIN
    INSERT INTO log VALUES (CASE WHEN new.name = ';' THEN 'END;' ELSE new.name END);
END;
UPDATE users SET name = ';';
CREATE TABLE "odd; name" ([brack;et] TEXT, `back;tick` TEXT);
"""
CONCURRENTLY = """\
-- migrate:up transaction:false
CREATE TABLE tags (name TEXT);
CREATE INDEX CONCURRENTLY tags_name ON tags (name);
BEGIN;
INSERT INTO tags VALUES ('one; two');
INSERT INTO tags VALUES ('three');
COMMIT;
-- migrate:down transaction:false
DROP INDEX CONCURRENTLY tags_name;
DROP TABLE tags;
"""
VACUUM = """\
-- migrate:up transaction:false
CREATE TABLE tags (name TEXT);
VACUUM;
BEGIN;
INSERT INTO tags VALUES ('one; two');
INSERT INTO tags VALUES ('three');
COMMIT;
-- migrate:down transaction:false
DROP TABLE tags;
VACUUM;
"""
REBUILD = """\
-- migrate:up foreign_keys:off
CREATE TABLE new_users (id INTEGER PRIMARY KEY, name TEXT);
INSERT INTO new_users SELECT id, name FROM users;
DROP TABLE users;
ALTER TABLE new_users RENAME TO users;
"""
TOTALS = "DROP VIEW IF EXISTS totals;\nCREATE VIEW totals AS SELECT count(*) AS n FROM users;\n"


@dataclass(frozen=True, slots=True)
class Twins:
    """One folder of migrations and two databases.

    Attributes:
        direct: The database that asyncmig changes itself.
        scripted: The database that scripts change.
    """

    direct: Project
    scripted: Project

    def write(self, files: Mapping[str, str]) -> None:
        """Write migrations."""
        for name, content in files.items():
            self.direct.migrations.write(name, content)

    def both(self, *words: str) -> None:
        """Run the same command on both databases."""
        for project in (self.direct, self.scripted):
            assert 0 == project.call(*words).exit_code

    def script(self, *words: str) -> str:
        """Return the script of a plan for the second database."""
        told = self.scripted.call("plan", "--sql", *words)
        assert (0, "") == (told.exit_code, told.stderr)
        return told.stdout


@pytest.fixture
def twins(empty_project: Project, request: pytest.FixtureRequest) -> Twins:
    """Return two empty databases of a kind."""
    url = "sqlite:///other.db"
    if not empty_project.is_sqlite:
        server, name = request.getfixturevalue("postgres_server"), urlsplit(empty_project.url).path
        url = empty_project.opened.enter_context(fresh_database(server, f"{name[1:]}_twin"))
    environment = {**empty_project.environment, "DATABASE_URL": url}
    empty_project.migrations.write("001_users.sql", USERS)
    return Twins(empty_project, replace(empty_project, url=url, environment=environment))


def contents(project: Project) -> tuple[str, list[dict[str, Any]]]:
    """Return the database, and its history, without what differs from run to run."""
    lines = (line for line in project.dump().splitlines() if "asyncmig_history" not in line)
    rows = [{**row, **dict.fromkeys(OF_THE_RUN, "any")} for row in project.history()]
    return "\n".join(lines), rows


UP = [
    pytest.param("sqlite", {}, id="plain-sqlite"),
    pytest.param("postgresql", {}, id="plain-postgresql"),
    pytest.param("sqlite", {"002_notes.sql": NOTES}, id="literals-sqlite"),
    pytest.param("postgresql", {"002_notes.sql": NOTES}, id="literals-postgresql"),
    pytest.param("sqlite", {"002_more.sql": OF_SQLITE}, id="bodies-sqlite"),
    pytest.param("postgresql", {"002_more.sql": OF_POSTGRESQL}, id="bodies-postgresql"),
    pytest.param("sqlite", {"002_tags.sql": VACUUM}, id="no-transaction-sqlite"),
    pytest.param("postgresql", {"002_tags.sql": CONCURRENTLY}, id="no-transaction-postgresql"),
    pytest.param("sqlite", {"002_rebuild.sql": REBUILD}, id="keys-off-sqlite"),
    pytest.param("sqlite", {"R__totals.sql": TOTALS}, id="repeatable-sqlite"),
    pytest.param("postgresql", {"R__totals.sql": TOTALS}, id="repeatable-postgresql"),
    pytest.param("sqlite", {"002_empty.sql": "-- nothing yet\n"}, id="empty-sqlite"),
    pytest.param("postgresql", {"002_empty.sql": "-- nothing yet\n"}, id="empty-postgresql"),
]


@pytest.mark.parametrize(("url", "files"), UP, indirect=["url"])
def test_the_script_does_what_up_does(twins: Twins, files: dict[str, str]) -> None:
    """The same tables, the same rows, the same history, whatever the SQL looks like."""
    twins.write(files)
    script = twins.script()

    assert 0 == twins.direct.call("up").exit_code
    fed = twins.scripted.feed(script)

    assert 0 == fed.exit_code, fed.stderr
    assert contents(twins.direct) == contents(twins.scripted)
    assert 0 == twins.scripted.call("status", "--check").exit_code


@on_each_database
def test_the_script_puts_a_repeatable_in_place_of_the_former_one(twins: Twins) -> None:
    """Its former row is superseded, as by `up`."""
    twins.write({"R__totals.sql": TOTALS})
    twins.both("up")
    twins.write({"R__totals.sql": TOTALS.replace("AS n", "AS number")})
    script = twins.script()

    assert 0 == twins.direct.call("up").exit_code
    fed = twins.scripted.feed(script)

    assert 0 == fed.exit_code, fed.stderr
    assert contents(twins.direct) == contents(twins.scripted)


@pytest.mark.parametrize(
    ("url", "tags"), [("sqlite", VACUUM), ("postgresql", CONCURRENTLY)], indirect=["url"]
)
def test_the_script_of_the_way_down_does_what_down_does(twins: Twins, tags: str) -> None:
    """All the way, through a migration without a transaction, to an empty database."""
    twins.write({"002_tags.sql": tags})
    twins.both("up")
    script = twins.script("--down", "--to", "0")

    assert 0 == twins.direct.call("down", "--to", "0", "--yes").exit_code
    fed = twins.scripted.feed(script)

    assert 0 == fed.exit_code, fed.stderr
    assert contents(twins.direct) == contents(twins.scripted)


@on_each_database
def test_a_failing_statement_stops_the_script(twins: Twins) -> None:
    """What came before it stays, nothing of its migration does, and nothing after it runs."""
    broken = "CREATE TABLE half (id INTEGER);\nINSERT INTO nowhere VALUES (1);\n"
    twins.write({"002_broken.sql": broken, "003_later.sql": "CREATE TABLE later (id INTEGER);\n"})
    script = twins.script()

    assert 1 == twins.direct.call("up").exit_code
    fed = twins.scripted.feed(script)

    assert fed.exit_code != 0
    assert "nowhere" in fed.stderr
    assert contents(twins.direct) == contents(twins.scripted)


@on_each_database
def test_a_script_that_is_run_twice_fails_and_changes_nothing(twins: Twins) -> None:
    """It says why: the history is not the one that the plan was made from."""
    twins.write({"002_notes.sql": NOTES})
    script = twins.script()
    assert 0 == twins.scripted.feed(script).exit_code
    before = contents(twins.scripted)

    again = twins.scripted.feed(script)

    assert again.exit_code != 0
    assert re.search("the history (has moved|is not the one)", again.stderr)
    assert before == contents(twins.scripted)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_script_stops_while_a_runner_is_at_it(twins: Twins) -> None:
    """It takes the same lock, and does not wait inside the server."""
    script = twins.script()
    twins.scripted.migrations.write("002_slow.py", sleeping_migration(60))
    process = twins.scripted.opened.enter_context(twins.scripted.running("up"))
    wait_for(twins.scripted.root / "sleeping", process)

    fed = twins.scripted.feed(script)

    assert (3, "") == (fed.exit_code, fed.stdout)
    assert "another runner holds the lock; try again later" in fed.stderr


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_the_script_needs_no_more_rights_than_up(twins: Twins) -> None:
    """A role that may create tables, and neither schemas nor databases, runs it."""
    only_on_our_own_server()
    twins.scripted.execute(
        "CREATE ROLE deployer LOGIN;\nGRANT CREATE ON SCHEMA public TO deployer;"
    )
    forget = "DROP OWNED BY deployer;\nDROP ROLE deployer;"
    twins.scripted.opened.callback(twins.scripted.execute, forget)
    url = twins.scripted.url.replace("//postgres@", "//deployer@")
    environment = {**twins.scripted.environment, "DATABASE_URL": url}
    deployer = replace(twins.scripted, url=url, environment=environment)

    fed = deployer.feed(twins.script())

    assert (0, "") == (fed.exit_code, fed.stderr)
    assert 0 == deployer.call("status", "--check").exit_code
