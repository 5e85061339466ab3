"""Database URLs: which objects are one, what is none, and that no password ever shows."""

from __future__ import annotations

import re
import traceback
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import quote

import pydantic
import pytest
import sqlalchemy
from hypothesis import example, given
from hypothesis import strategies as st
from starlette import datastructures

from asyncmig.engines.url import PostgresUrl, SqliteTarget, parse_database
from asyncmig.engines.url.place import parse_place
from asyncmig.engines.url.split import split_url
from asyncmig.engines.url.sqlite_target import Access
from asyncmig.errors import AsyncmigError, DatabaseUrlError
from tests.engines.dsn_oracle import Understood, postgres, understood

TEXT = "postgresql+asyncpg://u:s%40cret@h:5433/db?ssl=require"
EXPECTED = PostgresUrl(
    dsn="postgresql://?host=h&port=5433&user=u&password=s%40cret&dbname=db&sslmode=require",
    address="postgresql://u@h:5433/db",
)


class Spelled(str):
    """A string that shows itself differently, as members of an enum do."""

    __slots__ = ()

    def __str__(self) -> str:
        """Return what is not the value."""
        return "Spelled.URL"


@pytest.mark.parametrize(
    "given_object",
    [
        TEXT,
        Spelled(TEXT),
        sqlalchemy.make_url(TEXT),
        sqlalchemy.URL.create(
            "postgresql+psycopg",
            username="u",
            password="s@cret",
            host="h",
            port=5433,
            database="db",
            query={"sslmode": "require"},
        ),
        pydantic.PostgresDsn(TEXT),
        pydantic.AnyUrl(TEXT),
        pydantic.SecretStr(TEXT),
        pydantic.Secret(pydantic.PostgresDsn(TEXT)),
        pydantic.Secret(sqlalchemy.make_url(TEXT)),
        datastructures.URL(TEXT),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_url_object_means_what_its_text_means(given_object: object) -> None:
    """The objects that settings hold are taken as they are, with the password they hide."""
    assert EXPECTED == parse_database(given_object)


@pytest.mark.parametrize(
    "given_object",
    [
        sqlalchemy.URL.create("sqlite+aiosqlite", database="a b?.db"),
        sqlalchemy.make_url("sqlite:///a b%3F.db"),
    ],
)
def test_a_file_of_sqlalchemy_is_found(given_object: object) -> None:
    """SQLAlchemy percent-encodes the path in the text that it gives."""
    assert SqliteTarget("a b?.db") == parse_database(given_object)


@pytest.mark.parametrize(
    "masked",
    [
        str(sqlalchemy.make_url(TEXT)),
        sqlalchemy.make_url(str(sqlalchemy.make_url(TEXT))),
        str(pydantic.SecretStr(TEXT)),
        "postgresql://u:****@h/db",
        "postgresql://h/db?user=u&password=**********",
        "postgresql://u@h/db?sslkey=k&sslpassword=***",
    ],
)
def test_a_masked_password_is_explained(masked: object) -> None:
    """A URL that was printed for people cannot connect; the error says how to get the real one."""
    with pytest.raises(DatabaseUrlError) as caught:
        parse_database(masked)

    assert (
        "the password in the database URL is masked: this is a URL that was printed for people"
        == caught.value.message
    )
    assert "url.render_as_string(hide_password=False)" in caught.value.hint


def test_a_password_that_was_never_filled_in_is_explained() -> None:
    """Supabase's page shows a URL with a gap in it."""
    with pytest.raises(DatabaseUrlError, match=r"has \[YOUR-PASSWORD\] where the password should"):
        parse_database("postgresql://u:[YOUR-PASSWORD]@h:5432/db")


SUPPORTED = (
    "postgresql://user@host:5432/name, sqlite:///relative.db and sqlite:////absolute.db work"
)


@pytest.mark.parametrize(
    ("given_object", "message", "hint"),
    [
        ("", "is empty", "an environment variable, a secret or a setting may be missing"),
        (" \n", "is empty", "an environment variable, a secret or a setting may be missing"),
        (None, "the URL is None", "an environment variable or a setting may be missing"),
        ("$DATABASE_URL", "is a variable that nobody replaced", "look at where it is set"),
        ("${DATABASE_URL:-x}", "is a variable that nobody replaced", "look at where it is set"),
        ("{{ database_url }}", "is a variable that nobody replaced", "look at where it is set"),
        ('"postgresql://h/d"', "has a quotation mark", "docker's --env-file keeps them"),
        ("postgresql://h/d'", "has a quotation mark", "docker's --env-file keeps them"),
        ("psql 'postgresql://h/d'", "has a quotation mark", "docker's --env-file keeps them"),
        ("psql postgresql://h/d", "is a psql command", "keep only its postgresql:// part"),
        ("DATABASE_URL=postgres://h/d", "has the name of a variable", "keep only what follows"),
        ("host=h dbname=d", "is a libpq connection string", "write it as a URL: postgresql://"),
        ("jdbc:postgresql://h/d?user=u", "is in Java's form", "take jdbc: away"),
        ("postgresql:/h/d", "lacks the two slashes", "write postgresql://user@host:5432/name"),
        ("postgres:h", "lacks the two slashes", "write postgresql://user@host:5432/name"),
        ("sqlite:app.db", "is not in the form sqlite:///path", "sqlite:///relative.db with three"),
        ("file:./dev.db", "is not in the form sqlite:///path", "sqlite:///relative.db with three"),
        (":memory:", "is not in the form sqlite:///path", "sqlite:///relative.db with three"),
        ("data/app.db", "is a path", "did you mean sqlite:///data/app.db?"),
        ("/srv/app.sqlite3", "is a path", "did you mean sqlite:////srv/app.sqlite3?"),
        ("localhost/db", "does not begin with a scheme", SUPPORTED),
        ("://h/d", "does not begin with a scheme", SUPPORTED),
        ("psql://h/d", "does not begin with psql://", "did you mean postgresql://?"),
        ("postgis://h/d", "does not begin with postgis://", "did you mean postgresql://?"),
        ("postgresqll://h/d", "does not begin with postgresqll://", "did you mean postgresql://?"),
        ("sqlite3:///a.db", "does not begin with sqlite3://", "did you mean sqlite:///?"),
        ("mysql+aiomysql://h/d", "PostgreSQL and SQLite, not on mysql://", SUPPORTED),
        ("http://h/d", "PostgreSQL and SQLite, not on http://", SUPPORTED),
        ("sqlite+pysqlcipher://:k@/a.db", "not those of sqlite+pysqlcipher://", SUPPORTED),
        ("postgresql://u:p@h/d\nx", "has a line break or another control character", "one line"),
        ("postgresql://u:\udc80@h/d", "the database URL is not in UTF-8", "percent-encode"),
        (b"postgresql://h/d", "is needed, not a bytes", "give a string such as postgresql://"),
        ({"dsn": "x"}, "is needed, not a dict", "give a string such as postgresql://"),
        (42, "is needed, not a int", "give a string such as postgresql://"),
        (Path("data/app.db"), "not a PosixPath", "that SQLite file is sqlite:///data/app.db"),
        (PureWindowsPath(r"C:\a.db"), "not a PureWindowsPath", r"is sqlite:///C:\a.db"),
        (PurePosixPath("postgresql://u:p@h/d"), "not a PurePosixPath", "give the URL as a string"),
        (
            sqlalchemy.create_engine("sqlite:///a.db"),
            "is needed, not SQLAlchemy's Engine",
            "give its .url",
        ),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_url_is_explained(given_object: object, message: str, hint: str) -> None:
    """One sentence says what was given in its place, and the hint what to write."""
    with pytest.raises(DatabaseUrlError) as caught:
        parse_database(given_object)

    assert message in caught.value.message
    assert hint in caught.value.hint
    assert "u:p" not in f"{caught.value.message} {caught.value.hint}"


# A secret that no sentence of ours and no other part of a URL contains by chance.
SECRETS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="*"), max_size=12
).map(lambda text: f"Zq{text}9")
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)


@given(user=NAMES, password=SECRETS, database=NAMES)
@example(user="a:b@c/d", password='Zq@:/?#&+%[]\\" 9', database="d?e#f@g/h")
def test_every_login_reaches_asyncpg_and_no_password_shows(
    user: str, password: str, database: str
) -> None:
    """Percent-encoded, any name and any password can be had; the password is only in the DSN."""
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"

    parsed = postgres(f"postgresql://{login}@h:5433/{quote(database, safe='')}")

    assert Understood([("h", 5433)], user, password, database) == understood(parsed.dsn)
    assert replace(parsed, dsn="") == replace(postgres(parsed.address), dsn="")
    shown = f"{parsed!r} {parsed.address}"
    assert password not in shown
    assert quote(password, safe="") not in shown


def test_no_value_on_the_way_shows_a_password() -> None:
    """A debugger or a traceback with locals shows these too."""
    url = split_url("postgresql://u:Zq@h/db?sslpassword=Zq")

    assert "Zq" not in f"{url} {parse_place(url, {})} {parse_place(url, {'password': 'Zq'})}"


@given(user=NAMES, password=SECRETS, database=NAMES.filter(lambda name: name == name.strip()))
def test_every_login_of_sqlalchemy_reaches_asyncpg(user: str, password: str, database: str) -> None:
    """SQLAlchemy leaves some characters as they are, which must not be read as another part."""
    url = sqlalchemy.URL.create("postgresql", user, password, "h", 5433, database)

    expected = Understood([("h", 5433)], user, password, database)
    assert expected == understood(postgres(url).dsn)


FAULTS = st.sampled_from(
    [
        "postgresql://u:{}@h:x/db",
        "postgresql://u:{}@h:99999/db",
        "postgresql://u:{}@[::1/db",
        "postgresql://u:{}@h/db?sslmod=require",
        "postgresql://u:{}@h/db?sslmode=on",
        "postgresql://u:{}@h/db?channel_binding=require",
        "postgresql://u:{}@h/db?password=other",
        "postgresql://h/db?password={}&frobnicate=1",
        "postgresql://u:{}@h/%FF",
        "postgresql:/u:{}@h/db",
        "postgresqll://u:{}@h/db",
        "psql postgresql://u:{}@h/db",
        "mysql://u:{}@h/db",
        "jdbc:postgresql://h/db?user=u&password={}",
        "host=h password={}",
        "sqlite://u:{}@h/db",
        "sqlite+pysqlcipher://:{}@/a.db",
        "'postgresql://u:{}@h/db'",
        "{}",
    ]
)


@given(fault=FAULTS, password=SECRETS, encoded=st.booleans())
def test_no_error_repeats_a_password(fault: str, password: str, *, encoded: bool) -> None:
    """Whatever is wrong with the URL, the error and what it came from do not say its password."""
    url = fault.format(quote(password, safe="") if encoded else password)

    with pytest.raises(DatabaseUrlError) as caught:
        parse_database(url)

    assert_silent(caught.value, password)


# What cuts a URL into parts, and what keeps the parts plausible.
CUTS = st.text("@:/?#[]%&=.,+ 1a-", max_size=6)


@given(before=CUTS, after=CUTS, scheme=st.sampled_from(["postgresql", "sqlite"]))
@example(before="12/", after="@3", scheme="postgresql")
@example(before="1?", after="=x", scheme="postgresql")
@example(before="1?a.", after="=x", scheme="postgresql")
@example(before="p@s/", after="", scheme="postgresql")
@example(before="", after="?", scheme="sqlite")
@example(before="/", after="?", scheme="sqlite")
def test_a_password_that_is_not_encoded_is_taken_or_refused_in_silence(
    before: str, after: str, scheme: str
) -> None:
    """A special character may cut the URL anywhere: no part of it may show then."""
    password = f"{before}Zq{after}"
    try:
        parsed = parse_database(f"{scheme}://u:{password}@h/db")
    except AsyncmigError as error:
        assert_silent(error, password)
    else:
        assert "Zq" not in repr(parsed)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://app:s%40cret@h:5432/shop", "postgresql://app@h:5432/shop"),
        ("sqlite:////srv/app.db", "file:///srv/app.db?mode=ro"),
    ],
)
def test_a_usual_url_is_understood_without_a_pattern_of_its_own(
    url: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To compile one takes 0.1 ms, and the first call of a process would pay for each."""
    for name in ("fullmatch", "match", "search", "sub"):
        monkeypatch.setattr(re, name, None)
    parsed = parse_database(url)

    shown = parsed.uri_for(Access.READ) if isinstance(parsed, SqliteTarget) else parsed.address

    assert expected == shown


def assert_silent(error: AsyncmigError, password: str) -> None:
    """Fail if the error, its hint or an error it came from has the password, or its begin."""
    lines = traceback.format_exception_only(error)
    chain = [repr(cause) for cause in (error.__cause__, error.__context__) if cause]
    said = "".join([*lines, *chain, *error.__notes__])
    assert password not in said
    assert "Zq" not in said
