"""One Python file: what can be known about it without running it."""

from __future__ import annotations

import ast
import math

import pytest

from asyncmig.checksum import checksum
from asyncmig.locks import Hazard
from asyncmig.migration import Limits, Migration, Phase, PythonScript, Version
from tests.sources.memory_folder import Complaint, complaints, load_file

FILE = "migrations/1_a.py"
UP = "async def up(connection):\n    pass\n"
DOWN = "async def down(connection):\n    pass\n"
INDENT = "this is not Python: expected an indented block after 'if' statement on line 1"
ONE_ARGUMENT = "up is called with one argument, the connection"
WRITE_UP = "write `async def up(connection):`"


def test_up_and_down_are_found() -> None:
    """Both scripts have the whole text; the checksum is that of the file."""
    text = f'"""Move it."""\n{UP}\n{DOWN}'

    expected = Migration(
        version=Version("1"),
        name="a",
        checksum=checksum(text),
        up=PythonScript(text, FILE, "up"),
        down=PythonScript(text, FILE, "down"),
    )

    assert expected == load_file("1_a.py", text)


def test_a_file_is_never_run() -> None:
    """An import that is gone, or a side effect, does not matter until it is pending."""
    text = f"import gone_since_last_year\nraise SystemExit\n{UP}"

    assert PythonScript(text, FILE, "up") == load_file("1_a.py", text).up


def test_a_parser_that_other_threads_have_confused_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Python 3.11.7 says so when another thread parses at the same moment (cpython#106905)."""
    parse = ast.parse
    answers = iter([SystemError("AST constructor recursion depth mismatch")])

    def confused(text: str, filename: str) -> ast.Module:
        error = next(answers, None)
        if error is not None:
            raise error
        return parse(text, filename)

    monkeypatch.setattr(ast, "parse", confused)

    assert PythonScript(UP, FILE, "up") == load_file("1_a.py", UP).up


@pytest.mark.parametrize(
    "text",
    [
        UP,
        f"{UP}\ndown = None\n",
        f"{UP}\ndown: None = None\n",
        f"{UP}\ndown: object\n",
        f"{UP}\nclass Old:\n    async def down(self, connection): ...\n",
        f"{UP}\ndef outer():\n    async def down(connection): ...\n",
    ],
)
def test_without_down_there_is_no_way_back(text: str) -> None:
    """Only a name of the module counts, and `None` says that there is none."""
    assert load_file("1_a.py", text).down is None


@pytest.mark.parametrize(
    "text",
    [
        "from elsewhere import up, down\n",
        "from elsewhere import forwards as up, backwards as down\n",
        "import up, down.below\n",
        "from elsewhere import *\n",
        "up = down = partial(run, 3)\n",
        "up, down = steps()\n",
        "if fast:\n    from a import up\nelse:\n    from b import up\ndown = up\n",
        "try:\n    up = 1\nexcept Exception:\n    up = 2\nfinally:\n    down = 3\n",
        "match kind:\n    case 1:\n        up = down = fast\n",
        "@wrapped\ndef up(): ...\n@wrapped\ndef down(): ...\n",
        "class up: ...\nclass down: ...\n",
        "async def up(connection, /): ...\nasync def down(*arguments): ...\n",
        "async def up(c, batch=10, *, dry=False): ...\nasync def down(c, **more): ...\n",
        "def up(): ...\nasync def up(c): ...\nasync def down(c):\n    def f():\n        yield\n",
    ],
)
def test_what_only_running_can_tell_is_taken_on_trust(text: str) -> None:
    """Imported, assigned and decorated functions are accepted; the last binding counts."""
    migration = load_file("1_a.py", text)

    assert PythonScript(text, FILE, "up") == migration.up
    assert PythonScript(text, FILE, "down") == migration.down


def test_options_are_read_from_the_module() -> None:
    """They hold for both directions."""
    text = f"transaction = False\nforeign_keys: bool = False\nidle_timeout = 0.5\n{UP}{DOWN}"

    migration = load_file("1_a.py", text)

    options = {"transaction": False, "foreign_keys": False, "idle_timeout": 0.5}
    assert PythonScript(text, FILE, "up", **options) == migration.up  # type: ignore[arg-type]
    assert PythonScript(text, FILE, "down", **options) == migration.down  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("lock_timeout = 0.5\n", Limits(lock_timeout=0.5)),
        ("lock_timeout = '500ms'\n", Limits(lock_timeout=0.5)),
        ("lock_timeout: None = None\n", Limits(lock_timeout=math.inf)),
        ("statement_timeout = 'none'\n", Limits(statement_timeout=math.inf)),
        ("statement_timeout: float\n", Limits()),
        ("retries = 0\n", Limits(retries=0)),
    ],
)
def test_a_file_says_how_long_it_may_try(attributes: str, expected: Limits) -> None:
    """In seconds, or as text as on a marker; `None` is no limit, as for the migrator."""
    text = attributes + UP

    assert PythonScript(text, FILE, "up", limits=expected) == load_file("1_a.py", text).up


def test_a_file_says_that_it_may_be_tried_again() -> None:
    """What it does outside of the database would happen again, so nobody assumes it."""
    text = f"retry = True\nretries = 20\n{UP}"

    expected = PythonScript(text, FILE, "up", limits=Limits(retries=20), retry=True)

    assert expected == load_file("1_a.py", text).up


@pytest.mark.parametrize(
    ("attributes", "column", "sentence", "hint"),
    [
        (
            "transaction = False; retry = True",
            22,
            "retry = True needs a transaction, which is rolled back in between",
            "leave it out, or take `transaction = False` out",
        ),
        (
            "retries = 3; retry = False",
            1,
            "retries says how often, but nothing says that this file may run again",
            "write `retry = True` too, if what it does outside the database may be repeated",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    attributes: str, column: int, sentence: str, hint: str
) -> None:
    """They would sound as if the file were tried again."""
    assert wrong(3, column, sentence, hint) == complaints({"1_a.py": f"{UP}{attributes}\n"})


@pytest.mark.parametrize("value", ["0", "-1", "True", "'soon'", "'0'", "1e400", "30 * 60", "[]"])
@pytest.mark.parametrize("name", ["lock_timeout", "statement_timeout"])
def test_a_limit_must_be_a_duration(name: str, value: str) -> None:
    """Zero would be no limit to the server, and nothing is run to learn it."""
    expected = wrong(
        3,
        1,
        f"{name} is an option: seconds above 0, text such as '500ms', or None for no limit",
        f"write `{name} = 0.5` at the left margin, or use another name",
    )

    assert expected == complaints({"1_a.py": f"{UP}{name} = {value}\n"})


@pytest.mark.parametrize("value", ["-1", "True", "1.0", "'3'", "None", "1000000"])
def test_retries_must_be_counted(value: str) -> None:
    """A whole number."""
    expected = wrong(
        3,
        1,
        "retries is an option: a whole number",
        "write `retries = 20` at the left margin, or use another name",
    )

    assert expected == complaints({"1_a.py": f"{UP}retries = {value}\n"})


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("transaction = True; foreign_keys = True; idle_timeout = None\n", None),
        ("idle_timeout = 30\n", 30.0),
        ("idle_timeout: float = 2147483\n", 2147483.0),
        ("idle_timeout: float\n", None),
    ],
)
def test_options_may_say_what_is_so_anyway(attributes: str, expected: float | None) -> None:
    """The defaults can be written down."""
    text = attributes + UP

    assert PythonScript(text, FILE, "up", idle_timeout=expected) == load_file("1_a.py", text).up


def wrong(line: int, column: int, sentence: str, hint: str = "") -> list[Complaint]:
    """Return what is to be said about one place in the file."""
    return [Complaint(f"{FILE}:{line}:{column}: {sentence}", hint, line, column)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def up(connection): ...\n", wrong(1, 1, "up is not async", WRITE_UP)),
        (
            f"{UP}\nif True:\n    def down(connection): ...\n",
            wrong(5, 5, "down is not async", "write `async def down(connection):`"),
        ),
        (
            "async def up(connection):\n    yield\n",
            wrong(1, 1, "up yields, so it cannot be awaited", "take the yield out"),
        ),
        ("async def up(): ...\n", wrong(1, 1, ONE_ARGUMENT, WRITE_UP)),
        ("async def up(a, b): ...\n", wrong(1, 1, ONE_ARGUMENT, WRITE_UP)),
        ("async def up(a, *, b): ...\n", wrong(1, 1, ONE_ARGUMENT, WRITE_UP)),
        ("async def up(*, connection): ...\n", wrong(1, 1, ONE_ARGUMENT, WRITE_UP)),
        (
            "x = 1\nasync def upgrade(connection): ...\n",
            wrong(2, 1, "there is no `up`", f"{WRITE_UP} instead of upgrade"),
        ),
        (
            "'é'; up = None\nclass Users:\n    async def up(self, connection): ...\n",
            wrong(2, 1, "there is no `up` but in class Users", f"{WRITE_UP} outside of the class"),
        ),
        ("x = '表'; def up(connection): ...\n", wrong(1, 10, "this is not Python: invalid syntax")),
        ("x = (\n", wrong(1, 5, "this is not Python: '(' was never closed")),
        ("if x:\ny = 1\n", wrong(2, 1, INDENT)),
    ],
)
def test_a_file_that_cannot_be_a_migration_is_refused(text: str, expected: list[Complaint]) -> None:
    """What can be known without running the file is known before anything runs."""
    assert expected == complaints({"1_a.py": text})


@pytest.mark.parametrize("text", ["", "# nothing\n", DOWN, "import os\nUP = 1\n"])
def test_a_file_without_up_is_refused(text: str) -> None:
    """There is no line to point at."""
    assert [Complaint(f"{FILE}: there is no `up`", WRITE_UP)] == complaints({"1_a.py": text})


SWITCH = "{0} is an option: True or False"
SWITCH_HINT = "write `{0} = False` at the left margin, or use another name"
TIMEOUT = "idle_timeout is an option: seconds above 0, at most 2147483"
TIMEOUT_HINT = "write `idle_timeout = 30` at the left margin, or use another name"


@pytest.mark.parametrize(
    "statement",
    [
        "{0} = 0",
        "{0} = 'false'",
        "{0} = None",
        "{0} = not True",
        "{0} = os.environ['X'] == '1'",
        "{0} = other = False",
        "{0}, other = False, 1",
        "{0} |= False",
        "from library import {0}",
        "import {0}",
        "def {0}(): ...",
        "class {0}: ...",
    ],
)
@pytest.mark.parametrize("name", ["transaction", "foreign_keys"])
def test_a_switch_must_be_written_down(name: str, statement: str) -> None:
    """The file is not run to learn how it wants to be run."""
    expected = wrong(3, 1, SWITCH.format(name), SWITCH_HINT.format(name))

    assert expected == complaints({"1_a.py": f"{UP}{statement.format(name)}\n"})


@pytest.mark.parametrize(
    "value", ["0", "-1", "True", "'30'", "30 * 60", "1e400", "10 ** 9", "9" * 400, "[]"]
)
def test_a_timeout_must_be_a_number_of_seconds(value: str) -> None:
    """Above zero, and no more than the server can keep."""
    expected = wrong(1, 6, TIMEOUT, TIMEOUT_HINT)

    assert expected == complaints({"1_a.py": f"'é'; idle_timeout = {value}\n{UP}"})


def test_a_module_says_when_it_may_be_applied() -> None:
    """Without a word it is before the new code."""
    said = load_file("1_a.py", f'phase = "post"\n{UP}')

    assert Phase.POST is said.phase
    assert Phase.PRE is load_file("1_a.py", UP).phase


def test_a_phase_that_there_is_none_of_is_refused() -> None:
    """With how to write it."""
    expected = wrong(
        1,
        1,
        "phase is an option: 'pre' or 'post'",
        'write `phase = "post"` at the left margin, or use another name',
    )

    assert expected == complaints({"1_a.py": f'phase = "later"\n{UP}'})


@pytest.mark.parametrize(
    "written", ['("scan", "rewrite")', '["rewrite", "scan"]', "{'scan'}", '"scan"']
)
def test_a_module_says_what_it_may_do_to_relations_in_use(written: str) -> None:
    """One word, or several in brackets of any kind."""
    said = load_file("1_a.py", f"allow = {written}\n{UP}").up

    assert {hazard for hazard in Hazard if hazard.value in written} == said.allow


@pytest.mark.parametrize("written", ['("scan", "everything")', "()", '("scan", name)', "True"])
def test_what_a_module_cannot_be_allowed_is_refused(written: str) -> None:
    """With how to write it."""
    expected = wrong(
        1,
        1,
        "allow is an option: one or several of rewrite, scan, blocks_writes, blocks_reads",
        'write `allow = ("rewrite", "scan")` at the left margin, or use another name',
    )

    assert expected == complaints({"1_a.py": f"allow = {written}\n{UP}"})


def test_an_option_inside_a_condition_is_refused() -> None:
    """Whether it holds could only be known by running the file."""
    text = f"{UP}if True:\n    transaction = False\n"

    expected = wrong(4, 5, SWITCH.format("transaction"), SWITCH_HINT.format("transaction"))

    assert expected == complaints({"1_a.py": text})


@pytest.mark.parametrize(
    ("attribute", "meant"),
    [
        ("transactional = False", "transaction"),
        ("transactions = True", "transaction"),
        ("transacton: bool = False", "transaction"),
        ("foreign_key = False", "foreign_keys"),
        ("foreignkeys = False", "foreign_keys"),
        ("idle_time_out = 30", "idle_timeout"),
        ("idle_timeouts = 1.5", "idle_timeout"),
        ("lock_time_out = '2s'", "lock_timeout"),
        ("statement_timeouts = 9", "statement_timeout"),
    ],
)
def test_a_misspelt_option_is_refused(attribute: str, meant: str) -> None:
    """Overlooked, the file would run in another way than its author asked for."""
    name = attribute.partition(" ")[0].strip(":")
    expected = wrong(3, 1, f"{name} is no option of a migration", f"did you mean {meant}?")

    assert expected == complaints({"1_a.py": f"{UP}{attribute}\n"})


@pytest.mark.parametrize(
    "statement",
    [
        "transactions = []",
        "transactions = load()",
        "foreign_key = 'users.id'",
        "TRANSACTIONAL = False",
        "timeout = 30",
        "translation = False",
        "idle_timeouts = (1, 2)",
        "batch_size = 100",
        "def transactional(): ...",
        "from orm import foreign_key",
    ],
)
def test_constants_of_the_author_are_left_alone(statement: str) -> None:
    """Only a plain value under nearly the option's name counts as a slip."""
    text = f"{UP}{statement}\n"

    assert PythonScript(text, FILE, "up") == load_file("1_a.py", text).up


def test_a_constant_of_thousands_of_parts_is_read() -> None:
    """Seed data as one long sum is deeper than the interpreter's stack."""
    text = f"{UP}SEED = {' + '.join(['1'] * 2_000)}\n"

    assert PythonScript(text, FILE, "up") == load_file("1_a.py", text).up


@pytest.mark.parametrize("expression", ["-" * 100_000 + "1", "+".join(["1"] * 20_000)])
def test_nesting_that_python_cannot_parse_is_refused(expression: str) -> None:
    """The parser's own limits are errors like the others."""
    expected = Complaint(f"{FILE}: this is nested too deeply for Python")

    assert [expected] == complaints({"1_a.py": f"x = {expression}\n"})
