"""One SQL file: its markers, its options, and the scripts between them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asyncmig.checksum import checksum
from asyncmig.errors import InvalidMigrationError
from asyncmig.locks import Hazard
from asyncmig.migration import Limits, Migration, Phase, SqlScript, Version
from asyncmig.sources import find_problems
from asyncmig.sources.names import FileName, parse_name
from asyncmig.sources.place import Place, Text
from asyncmig.sources.reading import Reading
from asyncmig.sources.sql_file import read_closely, read_sql
from asyncmig.sql import Dialect
from tests.sources.memory_folder import (
    Complaint,
    MemoryFolder,
    complaints,
    load_file,
    load_files,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

POSTGRESQL, SQLITE = Dialect.POSTGRESQL, Dialect.SQLITE
FILE = "migrations/1_a.sql"


def test_a_file_without_markers_is_the_up() -> None:
    """The whole file runs, and there is no way back."""
    text = "-- make it\nCREATE TABLE a ();\n"

    expected = Migration(Version("1"), "a", checksum(text), SqlScript(text, FILE))

    assert expected == load_file("1_a.sql", text)


def test_markers_cut_a_file_in_two() -> None:
    """Each script is what follows its marker, and knows its line and its options."""
    text = (
        "-- Why this is done.\n\n/* at length */\n"
        "-- migrate:up transaction:false\n"
        "CREATE INDEX CONCURRENTLY i ON t (c);\n"
        "-- migrate:down  foreign_keys:off transaction:true \n"
        "DROP INDEX i;"
    )
    up = "CREATE INDEX CONCURRENTLY i ON t (c);\n"

    expected = Migration(
        version=Version("1"),
        name="a",
        checksum=checksum(up),
        up=SqlScript(up, FILE, first_line=5, transaction=False),
        down=SqlScript("DROP INDEX i;", FILE, first_line=7, foreign_keys=False),
    )

    assert expected == load_file("1_a.sql", text)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("lock_timeout:500ms retries:20", Limits(lock_timeout=0.5, retries=20)),
        ("lock-timeout:none retries:0", Limits(lock_timeout=math.inf, retries=0)),
        (
            "budget:1.5h statement_timeout:30",
            Limits(statement_timeout=30.0, budget=5400.0),
        ),
    ],
)
def test_a_file_says_how_long_and_how_often_it_may_try(words: str, expected: Limits) -> None:
    """For its direction; durations are spelled as in the settings."""
    text = f"-- migrate:up {words}\nUP\n-- migrate:down\nDOWN\n"

    migration = load_file("1_a.sql", text)

    assert SqlScript("UP\n", FILE, first_line=2, limits=expected) == migration.up
    assert SqlScript("DOWN\n", FILE, first_line=4) == migration.down


PIECES = [
    *["-- migrate:up\n", "-- migrate:down\n", "-- migrate:up retries:3\n", "--migrate:down\n"],
    *[" -- migrate:down\n", "-- Migrate:Up\n", "-- migrating\n", "-- +goose Down\n", "\n"],
    *["SELECT 1;\n", "it's", "'", '"', "$$", "/*", "*/", "--", "-", "/", "[", "`", "\\", "ü"],
]
NAMES = ["1_a.sql", "1_a.up.sql", "1_a.down.sql", "R__a.sql"]


def scripts_by(
    read: Callable[[Text, FileName, Dialect], object], content: str, name: str, dialect: Dialect
) -> object:
    """Return the scripts of a file, or what is wrong with it."""
    parsed = parse_name(name)
    assert isinstance(parsed, FileName)
    try:
        return read(Text(content, Place(name)), parsed, dialect)
    except InvalidMigrationError as error:
        return str(error)


@given(
    st.lists(st.sampled_from(PIECES), max_size=9).map("".join),
    st.sampled_from(["", "-- migrate:up\n"]),
    st.sampled_from(NAMES),
    st.sampled_from(Dialect),
)
@example("SELECT 1;\n-- migrate:down", "-- migrate:up\n", "1_a.sql", SQLITE)
@example("-- migrate:up", "", "1_a.sql", SQLITE)
def test_plain_files_are_what_the_lexer_makes_of_them(
    content: str, first: str, name: str, dialect: Dialect
) -> None:
    """Scripts, lines and complaints: that a file is read without it is nobody's business."""
    closely = scripts_by(read_closely, first + content, name, dialect)

    assert closely == scripts_by(read_sql, first + content, name, dialect)


@pytest.mark.parametrize("dialect", Dialect)
def test_an_option_of_the_other_database_means_nothing(dialect: Dialect) -> None:
    """One folder may serve both."""
    text = "-- migrate:up lock_timeout:1s foreign_keys:off\nUP\n"

    expected = SqlScript(
        "UP\n", FILE, first_line=2, foreign_keys=False, limits=Limits(lock_timeout=1.0)
    )

    assert expected == load_file("1_a.sql", text, dialect).up


def test_a_file_says_what_it_may_do_to_relations_in_use() -> None:
    """On the marker of each direction; nothing by default."""
    said = load_file("1_a.sql", "-- migrate:up allow:scan,rewrite\nUP\n-- migrate:down\nDOWN\n")

    assert frozenset({Hazard.SCAN, Hazard.REWRITE}) == said.up.allow
    assert said.down is not None
    assert frozenset() == said.down.allow


@pytest.mark.parametrize("phase", Phase)
def test_a_file_says_when_it_may_be_applied(phase: Phase) -> None:
    """Without a word it is before the new code."""
    said = load_file("1_a.sql", f"-- migrate:up phase:{phase}\nUP\n")

    assert phase is said.phase
    assert Phase.PRE is load_file("1_a.sql", "UP\n").phase


def test_the_checksum_is_that_of_the_up_part() -> None:
    """Repairing the down, the options or the words in front changes nothing."""
    before = load_file("1_a.sql", "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELEKT;\n")
    after = load_file(
        "1_a.sql",
        "-- new\n--migrate:up transaction:false retries:3\nSELECT 1;\n-- migrate:down\nSELECT 2;",
    )

    assert before.checksum == after.checksum == checksum("SELECT 1;\n")


def test_the_halves_of_a_pair_may_carry_options_each() -> None:
    """A file of a pair begins with its own marker, or with none."""
    [migration] = load_files(
        {
            "1_a.up.sql": "-- migrate:up transaction:false\nUP\n",
            "1_a.down.sql": "DOWN\n",
        }
    )

    expected = Migration(
        version=Version("1"),
        name="a",
        checksum=checksum("UP\n"),
        up=SqlScript("UP\n", "migrations/1_a.up.sql", first_line=2, transaction=False),
        down=SqlScript("DOWN\n", "migrations/1_a.down.sql"),
    )

    assert expected == migration


def test_a_repeatable_may_carry_options() -> None:
    """`R__` files know `migrate:up`, for its options."""
    text = "-- migrate:up foreign-keys:off\nSELECT 1\n"

    expected = Migration(
        version=None,
        name="view",
        checksum=checksum("SELECT 1\n"),
        up=SqlScript("SELECT 1\n", "migrations/R__view.sql", first_line=2, foreign_keys=False),
    )

    assert expected == load_file("R__view.sql", text)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "-- nothing to do\n", "-- migrate:up", "-- migrate:up\n"]
)
def test_a_migration_may_be_empty(text: str) -> None:
    """Nothing but comments is a migration that does nothing: real folders have many."""
    migration = load_file("1_a.sql", text)

    assert "" == text_of(migration.up).strip("\n").removeprefix("-- nothing to do")
    assert migration.down is None


def test_an_empty_down_is_a_way_back_that_does_nothing() -> None:
    """Dbmate asks for a down in every file; an empty one says that there is nothing to undo."""
    migration = load_file("1_a.sql", "-- migrate:up\nUPDATE t SET a = 1;\n-- migrate:down")

    assert SqlScript("", FILE, first_line=4) == migration.down


@pytest.mark.parametrize(
    "marker",
    [
        "-- migrate:down",
        "--migrate:down",
        "--\tmigrate:down\t",
        "--   migrate:down transaction:true",
    ],
)
def test_a_marker_may_have_white_space_as_in_dbmate(marker: str) -> None:
    """Any white space between the dashes and the word, also none."""
    migration = load_file("1_a.sql", f"-- migrate:up\nUP;\n{marker}\nDOWN;\n")

    assert SqlScript("DOWN;\n", FILE, first_line=4) == migration.down


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        (POSTGRESQL, "SELECT 'a\n-- migrate:down\n';"),
        (POSTGRESQL, "SELECT E'\\'\n-- migrate:down\n';"),
        (POSTGRESQL, 'SELECT 1 AS "a\n-- migrate:down\n";'),
        (POSTGRESQL, "DO $x$ BEGIN\n-- migrate:down\nEND $x$;"),
        (POSTGRESQL, "DO $x$ BEGIN\n  -- migrate:down\nEND $x$;"),
        (POSTGRESQL, "/* /* */\n-- migrate:down\n*/"),
        (SQLITE, "SELECT 'a\n-- migrate:down\n';"),
        (SQLITE, "SELECT `a\n-- migrate:down\n`, [\n-- migrate:down\n];"),
        (SQLITE, "/* /*\n-- migrate:down\n   -- migrate:down\n*/"),
    ],
)
def test_a_marker_inside_something_else_is_none(dialect: Dialect, text: str) -> None:
    """Strings, quoted names, function bodies and block comments keep what they hold."""
    script = f"{text}\n-- after\n"

    migration = load_file("1_a.sql", f"-- migrate:up\n{script}-- migrate:down\nDOWN", dialect)

    assert SqlScript(script, FILE, first_line=2) == migration.up
    assert "DOWN" == text_of(migration.down)


SAFE = st.text(st.sampled_from("abc '\"$-/*;:\n\\\téø"), max_size=40)


@given(before=SAFE, inside=SAFE, after=SAFE, dialect=st.sampled_from(Dialect))
def test_only_a_comment_is_a_marker_whatever_is_around_it(
    before: str, inside: str, after: str, dialect: Dialect
) -> None:
    """Closed strings and block comments around a marker never let it through."""
    text = inside.replace("'", "''").replace("\\", "")
    comment = inside.replace("*/", "").replace("/*", "").replace("*", "")
    parts = [
        f"SELECT '{text}\n-- migrate:down\n{text}';",
        f"/* {comment}\n-- migrate:down\n{comment} */",
        *(f"-- {line}" for line in (before + after).splitlines()),
    ]
    script = "\n".join(parts) + "\n"

    migration = load_file("1_a.sql", f"-- migrate:up\n{script}-- migrate:down\n{after}", dialect)

    assert script == text_of(migration.up)
    assert after == text_of(migration.down)


def wrong(line: int, column: int, sentence: str, hint: str, file: str = FILE) -> list[Complaint]:
    """Return what is to be said about one place in a file."""
    return [Complaint(f"{file}:{line}:{column}: {sentence}", hint, line, column)]


ORDER = "begin the file with -- migrate:up, and let -- migrate:down follow"
ONE_EACH = "a file holds one migration: give the second a file of its own"
ABOVE = "only comments may stand there: move it below the marker"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-- migrate:down\nA", wrong(1, 1, "migrate:down comes without migrate:up", ORDER)),
        (
            "\n-- migrate:down\nA;\n-- migrate:up\nB;\n",
            wrong(2, 1, "migrate:down comes in front of migrate:up", ORDER),
        ),
        (
            "-- migrate:up\nA;\n-- migrate:down\nB;\n-- migrate:up\nC;\n-- migrate:down\nD;\n",
            wrong(5, 1, "a second migrate:up (the first is on line 1)", ONE_EACH),
        ),
        (
            "-- migrate:up\nA;\n-- migrate:down\nB;\n-- migrate:down\nC;\n",
            wrong(5, 1, "a second migrate:down (the first is on line 3)", ONE_EACH),
        ),
        (
            "-- é\n/* é */ CREATE TABLE a ();\n-- migrate:up\n",
            wrong(2, 9, "a statement in front of migrate:up", ABOVE),
        ),
        (";\n\\set x\n-- migrate:up\n", wrong(2, 1, "a statement in front of migrate:up", ABOVE)),
    ],
)
def test_markers_that_make_no_sense_are_refused(text: str, expected: list[Complaint]) -> None:
    """Up before down, each at most once, and no statement in front of the first."""
    assert expected == complaints({"1_a.sql": text})


UP_OR_DOWN = "write -- migrate:{}, in small letters, as the first thing in its line"


@pytest.mark.parametrize(
    ("line", "direction"),
    [
        ("-- migrate:upp", "up"),
        ("-- migrate:Down", "down"),
        ("-- Migrate:up transaction:false", "up"),
        ("-- MIGRATE:UP", "up"),
        ("-- migrate: down", "down"),
        ("-- migrate :down", "down"),
        ("-- migrate down", "down"),
        ("--- migrate down", "down"),
        ("-- migrate-down", "down"),
        ("-- migrate=down", "down"),
        ("-- migrate:dwon transaction:false", "down"),
        ("-- migrate up transaction=false", "up"),
        ("-- migration:up", "up"),
        ("-- mirgate:down", "down"),
        ("-- migrate:down;", "down"),
        ("-- migrate:downgrade", "down"),
        ("-- migrate:up\N{NO-BREAK SPACE}transaction:false", "up"),
        ("-- migrate:rollback", "up or -- migrate:down"),
    ],
)
def test_a_comment_that_resembles_a_marker_is_refused(line: str, direction: str) -> None:
    """Overlooked, it would run the down right after the up."""
    expected = wrong(2, 1, "this looks like a marker and is none", UP_OR_DOWN.format(direction))

    assert expected == complaints({"1_a.sql": f"SELECT 1;\n{line}\nSELECT 2;\n"})


def test_an_indented_marker_is_refused() -> None:
    """It is a comment to dbmate, and was meant to be more."""
    text = "-- migrate:up\nSELECT 1;\n \t -- migrate:down transaction:false\nSELECT 2;\n"

    expected = wrong(
        3,
        1,
        "this looks like a marker and is none",
        "it counts only at the beginning of a line: -- migrate:down transaction:false",
    )

    assert expected == complaints({"1_a.sql": text})


@pytest.mark.parametrize(
    "line",
    [
        "-- migrate the users to the new table",
        "-- migrate down is not possible, see migrate:up",
        "-- Migrate Downloader from 'a.b' to c",
        "-- migrate up to a million rows",
        "-- migrate: move the users",
        "-- migration of users",
        "-- migration: users: names",
        "-- see also migrate:down",
        "-- mitigate",
        "-- merge down",
        "-- merge:up",
        "-- migrate:",
        "-- up",
        "SELECT 1; -- migrate:down",
        "SELECT '  -- migrate:down';",
        "SELECT '\n-- migrate:down\n';",
    ],
)
def test_prose_is_left_alone(line: str) -> None:
    """A comment that speaks of migrating is a comment."""
    text = f"SELECT 1;\n{line}\nSELECT 2;\n"

    assert SqlScript(text, FILE) == load_file("1_a.sql", text).up


@pytest.mark.parametrize(
    ("text", "line", "tool"),
    [
        ("-- +goose Up\nA;\n-- +goose Down\nB;\n", 3, "goose"),
        ("--+goose down\nB;\n", 1, "goose"),
        ("-- +migrate Up\nA;\n-- +migrate Down notransaction\nB;\n", 3, "sql-migrate"),
        ("A;\n---- create above / drop below ----\nB;\n", 2, "tern"),
    ],
)
def test_the_down_of_another_tool_is_refused(text: str, line: int, tool: str) -> None:
    """Taken for a comment in a folder that is said to be ours, it would run right after the up."""
    expected = wrong(
        line,
        1,
        f"here begins the way down as {tool} writes it",
        f"write -- migrate:up and -- migrate:down instead, or say --format {tool}",
    )

    assert expected == complaints({"1_a.sql": text}, reading=Reading("asyncmig"))


def test_the_markers_of_another_tool_may_stay_beside_ours() -> None:
    """A file that was converted keeps its old comments."""
    text = "-- migrate:up\n-- +goose Up\nA;\n-- migrate:down\n-- +goose Down\nB;\n"

    assert "-- +goose Down\nB;\n" == text_of(load_file("1_a.sql", text).down)


OPTION = "is no option of a marker"
SWITCHES = (
    "there are transaction:true|false, foreign_keys:on|off, lock_timeout:TIME, "
    "statement_timeout:TIME, budget:TIME, retries:N, phase:pre|post, allow:WHAT,…, "
    "batch:N, target:TIME, pause:TIME, replica_lag:TIME"
)
LOCK_TIMEOUT = "write lock_timeout:2s or lock_timeout:none"
DURATION = "a duration above 0 (500ms, 2s, 1m) or none"
TRANSACTION = "write transaction:true or transaction:false"


@pytest.mark.parametrize(
    ("words", "column", "sentence", "hint"),
    [
        ("transactoin:false", 15, OPTION, "did you mean transaction:false?"),
        ("transaction:true foreign-key:off", 32, OPTION, "did you mean foreign_keys:off?"),
        ("transaction=false", 15, OPTION, "did you mean transaction:false?"),
        ("Transaction:False", 15, OPTION, "did you mean transaction:false?"),
        ("transaction", 15, OPTION, "did you mean transaction:true or false?"),
        ("no-transaction", 15, OPTION, "did you mean transaction:true or false?"),
        ("quickly", 15, OPTION, SWITCHES),
        (
            "allow:rewrite,everything",
            15,
            (
                "allow is one or several of rewrite, scan, blocks_writes, blocks_reads, "
                "not 'rewrite,everything'"
            ),
            "write allow:rewrite or allow:rewrite,scan",
        ),
        ("allows:scan", 15, OPTION, "did you mean allow:scan?"),
        ("idle_timeout:30", 15, OPTION, SWITCHES),
        ("transaction:False", 15, "transaction is true or false, not 'False'", TRANSACTION),
        (
            "transaction: false",
            15,
            "transaction is true or false, and no value follows the colon",
            TRANSACTION,
        ),
        (
            "foreign-keys:false",
            15,
            "foreign_keys is on or off, not 'false'",
            "write foreign_keys:on or foreign_keys:off",
        ),
        ("lock-timout:5s", 15, OPTION, "did you mean lock_timeout:5s?"),
        ("statement_timeout=soon", 15, OPTION, "did you mean statement_timeout:2s or none?"),
        ("retrys:3", 15, OPTION, "did you mean retries:3?"),
        ("lock_timeout:0", 15, f"lock_timeout is {DURATION}, not '0'", LOCK_TIMEOUT),
        ("lock_timeout:5x", 15, f"lock_timeout is {DURATION}, not '5x'", LOCK_TIMEOUT),
        (
            "budget:",
            15,
            f"budget is {DURATION}, and no value follows the colon",
            "write budget:2s or budget:none",
        ),
        (
            "retries:-1",
            15,
            "retries is a whole number, not '-1'",
            "write retries:20 or retries:0",
        ),
        (
            "\ttransaction:false  transaction:false",
            35,
            "transaction is said twice",
            "leave one of them out",
        ),
    ],
)
def test_a_word_that_is_no_option_is_refused(
    words: str, column: int, sentence: str, hint: str
) -> None:
    """The error points at the word and says how to write it."""
    if sentence == OPTION:
        sentence = f"{words.rsplit(maxsplit=1)[-1]!r} {OPTION}"
    expected = wrong(3, column, sentence, hint)

    assert expected == complaints({"1_a.sql": f"-- é\n\n-- migrate:up {words}\nSELECT 1;\n"})


@pytest.mark.parametrize(
    ("file_name", "text", "expected"),
    [
        (
            "1_a.up.sql",
            "-- migrate:down\n",
            (1, "migrate:down in the up half of a pair", "it belongs into 1_a.down.sql"),
        ),
        (
            "1_a.up.sql",
            "-- migrate:up\nA;\n-- migrate:down\nB;\n",
            (3, "migrate:down in the up half of a pair", "it belongs into 1_a.down.sql"),
        ),
        (
            "R__a.sql",
            "-- migrate:up\nA;\n-- migrate:down\nB;\n",
            (
                3,
                "a repeatable migration has no way down",
                "leave the migrate:down out: the next change of the file replaces this one",
            ),
        ),
    ],
)
def test_a_marker_in_the_wrong_file_is_refused(
    file_name: str, text: str, expected: tuple[int, str, str]
) -> None:
    """A half of a pair holds its own direction, and a repeatable only the way up."""
    line, sentence, hint = expected

    assert wrong(line, 1, sentence, hint, f"migrations/{file_name}") == complaints(
        {file_name: text}
    )


def test_a_pair_may_name_its_direction_in_a_comment() -> None:
    """Nothing is lost when the head of a down file says in its own words that it is one."""
    text = "-- Migrate Down\n-- +goose Down\n  -- migrate:down\nDROP TABLE a;\n"

    [migration] = load_files({"1_a.up.sql": "", "1_a.down.sql": text})

    assert SqlScript(text, "migrations/1_a.down.sql") == migration.down


def test_a_pair_may_not_lose_options_in_a_comment() -> None:
    """What resembles a marker with options is refused in a pair too."""
    expected = wrong(
        1,
        1,
        "this looks like a marker and is none",
        UP_OR_DOWN.format("up"),
        "migrations/1_a.up.sql",
    )

    assert expected == complaints({"1_a.up.sql": "-- migrate up transaction:false\n"})


def test_the_error_knows_its_migration() -> None:
    """Attributes carry the file and the version, for the JSON of the command line."""
    [error] = find_problems(MemoryFolder({"007_a.sql": "-- migrate:upp"}), POSTGRESQL)

    assert ("007", "migrations/007_a.sql", 1, 1) == (
        error.version,
        error.file,
        error.line,
        error.column,
    )
