"""What cannot be rendered without a database, and what becomes of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from asyncmig import Migrator
from asyncmig.errors import MigrationFailedError
from asyncmig.from_alembic.conversion import ConvertedFile, convert
from asyncmig.from_alembic.project import open_project
from asyncmig.sql import Dialect
from tests.from_alembic.project import make_project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.from_alembic.project import AlembicProject
    from tests.migration_folder import MigrationFolder

TABLE = """\
def upgrade() -> None:
    op.create_table("t", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("n", sa.Text()))


def downgrade() -> None:
    op.drop_table("t")
"""
NEEDS_PYTHON = (
    "sa.Table('u', sa.MetaData(), sa.Column('n', default=lambda: 'x'), sa.Column('m', sa.Text()))"
)
BATCH = """\
def upgrade() -> None:
    with op.batch_alter_table("t") as batch_op:
        batch_op.alter_column("n", new_column_name="m", existing_type=sa.Text())


def downgrade() -> None:
    with op.batch_alter_table("t") as batch_op:
        batch_op.alter_column("m", new_column_name="n", existing_type=sa.Text())
"""


def step(*lines: str, down: str = "pass") -> str:
    """Return a revision that does that."""
    body = "\n".join(f"    {line}" for line in lines)
    return f"def upgrade() -> None:\n{body}\n\n\ndef downgrade() -> None:\n    {down}\n"


@pytest.fixture
def project(tmp_path: Path) -> AlembicProject:
    """Return a project with a table."""
    made = make_project(tmp_path, "sqlite:///unused.db")
    made.write("a1", "Table", TABLE, down=None)
    return made


def converted(project: AlembicProject, dialect: Dialect) -> list[ConvertedFile]:
    """Return the files of a project."""
    return list(convert(open_project(project.ini), dialect))


def test_the_environment_of_a_project_silences_nobody(project: AlembicProject) -> None:
    """What alembic writes into env.py disables every logger that there is already."""
    bystander = logging.getLogger("asyncmig.bystander")
    handlers, level = logging.root.handlers[:], logging.root.level

    open_project(project.ini)

    assert "fileConfig" in (project.root / "alembic" / "env.py").read_text(encoding="utf-8")
    assert (False, handlers, level) == (
        bystander.disabled,
        logging.root.handlers,
        logging.root.level,
    )


def reasons(file: ConvertedFile) -> list[tuple[str, str]]:
    """Return what is left to do in a file, by direction."""
    return [(direction.value, part.reason) for direction, part in file.unfinished]


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            "for row in op.get_bind().execute(sa.text('SELECT 1')): print(row)",
            "it goes through the rows that a statement returns",
        ),
        (
            "op.get_bind().execute(sa.text('SELECT 1')).scalar()",
            "it looks at what a statement returns (.scalar)",
        ),
        (
            "if op.get_bind().execute(sa.text('SELECT 1')): pass",
            "it looks whether a statement returns anything",
        ),
        ("op.get_bind().scalar(sa.text('SELECT 1'))", "it asks the connection for .scalar"),
        (
            "op.get_bind().exec_driver_sql('INSERT INTO t (id) VALUES (?)', (1,))",
            "it sends parameters that only the driver understands",
        ),
        ("op.get_bind().begin_nested()", "it asks the connection for .begin_nested"),
        ("raise ValueError('not today')", "it raises: not today"),
        ("{}['absent']", "KeyError: 'absent'"),
        ("op.execute('SELECT :unknown')", "it says no value for :unknown"),
        ("op.get_bind().execute(sa.text('SELECT :a'), {'b': 1})", "ArgumentError: "),
        (
            f"op.bulk_insert({NEEDS_PYTHON}, [{{'m': 'y'}}])",
            "it leaves the value of u.n to Python",
        ),
        ("op.execute(sa.text('SELECT :o').bindparams(o=object()))", "CompileError: "),
    ],
)
def test_what_needs_an_answer_is_left_to_a_person(
    project: AlembicProject, line: str, reason: str, dialect: Dialect
) -> None:
    """Also where the revision would catch an exception and go on."""
    guarded = ("try:", f"    {line}", "except RuntimeError:", "    pass")
    project.write("b2", "Data", step("op.execute('SELECT 0')", *guarded), down="a1")

    table, data = converted(project, dialect)

    ((direction, found),) = reasons(data)
    assert ([], "up", True) == (reasons(table), direction, found.startswith(reason))
    assert "-- | SELECT 0;\n" in data.text


def test_inspection_is_an_answer_too(project: AlembicProject) -> None:
    """`if not inspector.has_table(...)` must not be rendered as one of its two sides."""
    project.write("b2", "Look", step("sa.inspect(op.get_bind()).has_table('t')"), down="a1")

    (((_, reason),),) = [reasons(file) for file in converted(project, Dialect.POSTGRESQL)[1:]]

    assert "it inspects the database" == reason


@pytest.mark.parametrize("swallows", ["Exception", "(AttributeError, TypeError)"])
def test_a_revision_that_catches_everything_is_not_skipped(
    project: AlembicProject, swallows: str
) -> None:
    """It would go on without its data, and nobody would know."""
    lines = (
        "try:",
        "    op.get_bind().execute(sa.text('SELECT n FROM t')).fetchall()",
        f"except {swallows}:",
        "    pass",
    )
    project.write("b2", "Careless", step(*lines), down="a1")

    assert [("up", "it looks at what a statement returns (.fetchall)")] == reasons(
        converted(project, Dialect.SQLITE)[1]
    )


def test_a_revision_that_spares_itself_the_trouble_offline_is_not_spared(
    project: AlembicProject,
) -> None:
    """What it does on a database is what is rendered."""
    lines = (
        "from alembic import context",
        "if not context.is_offline_mode() and not op.get_context().as_sql:",
        "    op.execute('DELETE FROM t')",
    )
    project.write("b2", "Spared", step(*lines), down="a1")

    assert "DELETE FROM t;" in converted(project, Dialect.POSTGRESQL)[1].text


async def test_an_unfinished_file_fails_until_it_is_finished(
    database_url: str, migration_folder: MigrationFolder
) -> None:
    """With the reason as its error, on both databases; what is before it stays."""
    dialect = Dialect(database_url.partition(":")[0])
    migration_folder.write("0001_first.sql", "CREATE TABLE first (id integer);")
    migration_folder.write("0002_second.sql", unfinished_text(dialect))
    migrator = Migrator(database_url, migration_folder, observer=None)

    with pytest.raises(MigrationFailedError, match='FINISH THIS FILE BY HAND: it\'s "that"') as e:
        await migrator.up()

    assert ("0002", ["0001"]) == (e.value.version, [entry.key for entry in e.value.applied])
    migration_folder.write("0002_second.sql", "-- migrate:up\nSELECT 1;\n")
    assert ["0002"] == [entry.key for entry in (await migrator.up()).entries]


def unfinished_text(dialect: Dialect) -> str:
    """Return a file that is not finished."""
    from asyncmig.from_alembic.rendering import Rendered, Revision, Unrendered
    from asyncmig.from_alembic.text import text_of

    reason = 'it\'s "that" [and]; more'
    source = "def upgrade():\n    # -- migrate:down\n-- migrate:down\n    '''$unfinished$'''\n"
    up = Unrendered(reason, 3, ("SELECT 'a\n-- migrate:down\n'",))
    return text_of(Revision("b2", (), "second", "b2.py", source, up, Rendered()), dialect)


def test_a_way_down_that_its_author_refuses_is_none(project: AlembicProject) -> None:
    """`asyncmig down` says that there is none; a way down that does nothing is one."""
    project.write("b2", "No way", step("pass", down="raise NotImplementedError('gone')"), down="a1")
    project.write("c3", "Nothing", step("pass"), down="b2")

    _, refused, empty = converted(project, Dialect.POSTGRESQL)

    of_b, of_c = (
        f"-- alembic: revision {one}\n-- alembic: revises {before}\n-- migrate:up\n\n"
        for one, before in (("b2", "a1"), ("c3", "b2"))
    )
    assert f"{of_b}-- There is no way down: gone\n" == refused.text
    assert f"{of_c}-- migrate:down\n" == empty.text
    assert ([], []) == (reasons(refused), reasons(empty))


def test_a_copy_behind_a_data_step_knows_the_tables(project: AlembicProject) -> None:
    """The step itself is for a person; what it does to the tables is seen where they are empty."""
    lines = (
        "op.add_column('t', sa.Column('slug', sa.Text()))",
        "for row in op.get_bind().execute(sa.text('SELECT n FROM t')):",
        "    raise AssertionError(row)",
        "with op.get_context().autocommit_block():",
        "    op.create_index('ix_slug', 't', ['slug'])",
    )
    project.write("b2", "Data", step(*lines), down="a1")
    project.write("c3", "Copy", BATCH, down="b2")

    _, data, copied = converted(project, Dialect.SQLITE)

    assert (["up"], []) == ([way for way, _ in reasons(data)], reasons(copied))
    assert 2 == copied.text.count("slug TEXT")
    assert 2 == copied.text.count("CREATE INDEX ix_slug ON t (slug);")


def test_a_copy_of_a_table_that_nobody_knows_is_left_to_a_person(project: AlembicProject) -> None:
    """The columns that an unfinished file will add would be lost in a copy without them."""
    project.write("b2", "Unknown", step("op.get_bind().scalar('x')"), down="a1")
    project.write("c3", "Copy", BATCH, down="b2")
    reason = "it copies a table, and what revision b2 does to that is not known"

    copied = converted(project, Dialect.SQLITE)[2]

    assert [("up", reason), ("down", reason)] == reasons(copied)
    assert [] == reasons(converted(project, Dialect.POSTGRESQL)[2])


def test_a_table_that_the_author_gives_is_copied_anyway(project: AlembicProject) -> None:
    """That is what `copy_from` is for."""
    project.write("b2", "Unknown", step("op.get_bind().scalar('x')"), down="a1")
    given = 'sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer()), sa.Column("n", sa.Text()))'
    project.write("c3", "Copy", BATCH.replace('("t")', f'("t", copy_from={given})', 1), down="b2")

    assert ["down"] == [way for way, _ in reasons(converted(project, Dialect.SQLITE)[2])]


def test_what_the_database_itself_refuses_is_left_to_a_person(project: AlembicProject) -> None:
    """SQLite is asked while the files are written; a file that cannot run is not called done."""
    project.write("b2", "Wrong", step("op.execute('DROP TABLE absent')"), down="a1")

    assert [("up", "SQLite says: no such table: absent")] == reasons(
        converted(project, Dialect.SQLITE)[1]
    )


def test_a_statement_that_would_be_read_as_a_marker_is_noticed(project: AlembicProject) -> None:
    """The second half of the file would be the way down."""
    lines = ('op.execute("SELECT 1\\n-- migrate:down\\n, 2")',)
    project.write("b2", "Marker", step(*lines), down="a1")

    (((way, reason), *_),) = [reasons(converted(project, Dialect.POSTGRESQL)[1])]

    assert ("up", True) == (way, "migrate:down" in reason or "marker" in reason)


def test_a_default_that_python_knows_is_written_down(project: AlembicProject) -> None:
    """A driver would be given it, too."""
    table = "sa.Table('u', sa.MetaData(), sa.Column('n', sa.Text(), default='x'), sa.Column('m'))"
    project.write("b2", "Default", step(f"op.bulk_insert({table}, [{{'m': 'y'}}])"), down="a1")

    assert "INSERT INTO u (n, m) VALUES ('x', 'y');\n" in (
        converted(project, Dialect.POSTGRESQL)[1].text
    )
