"""PostgreSQL URLs: what asyncpg is told, what is kept for the engine, what is refused."""

from __future__ import annotations

import math
from typing import Any

import asyncpg
import pytest
from asyncpg.connect_utils import SSLMode

from asyncmig.engines.url import PostgresUrl, parse_database
from asyncmig.engines.url.postgres_keys import DRIVER, HARMLESS, REFUSED, SERVER_SETTINGS
from asyncmig.errors import DatabaseUrlError
from tests.engines.dsn_oracle import Understood, ask_asyncpg, postgres, understood

TCP = [("h", 5432)]
DEFAULT_SOCKETS = ["/run/postgresql", "/var/run/postgresql", "/tmp", "/private/tmp"]  # noqa: S108


def defaults(port: int) -> list[Any]:
    """Return the addresses that asyncpg tries when it is told none."""
    return [f"{folder}/.s.PGSQL.{port}" for folder in DEFAULT_SOCKETS] + [("localhost", port)]


@pytest.mark.parametrize(
    ("url", "address", "expected"),
    [
        (
            "postgresql://u:p@h:5433/db",
            "postgresql://u@h:5433/db",
            Understood([("h", 5433)], "u", "p", "db"),
        ),
        ("postgres://u:p@h/db", "postgresql://u@h/db", Understood(TCP, "u", "p", "db")),
        ("postgresql+asyncpg://u@h/db", "postgresql://u@h/db", Understood(TCP, "u", None, "db")),
        ("postgres+psycopg2://u@h/db", "postgresql://u@h/db", Understood(TCP, "u", None, "db")),
        ("PostgreSQL://u@h/db", "postgresql://u@h/db", Understood(TCP, "u", None, "db")),
        ("\n postgresql://u@h/db \r\n", "postgresql://u@h/db", Understood(TCP, "u", None, "db")),
        ("postgresql://u@h:/db", "postgresql://u@h/db", Understood(TCP, "u", None, "db")),
        # What is left out is left to PGUSER, PGDATABASE and the others.
        (
            "postgresql://",
            "postgresql://",
            Understood(defaults(5432), "somebody", None, "somewhere"),
        ),
        (
            "postgresql:///",
            "postgresql://",
            Understood(defaults(5432), "somebody", None, "somewhere"),
        ),
        (
            "postgresql://:5433/",
            "postgresql://:5433",
            Understood(defaults(5433), "somebody", None, "somewhere"),
        ),
        ("postgresql://h/", "postgresql://h", Understood(TCP, "somebody", None, "somewhere")),
        ("postgresql://:p@h/d", "postgresql://h/d", Understood(TCP, "somebody", "p", "d")),
        # Percent-encoding; a plus sign stands for itself before the query, for a space in it.
        (
            "postgresql://a%40b:p%2F%3A%25+%C3%A9@h/d%20b",
            "postgresql://a%40b@h/d%20b",
            Understood(TCP, "a@b", "p/:%+é", "d b"),
        ),
        ("postgresql://u:p@ss@h/d", "postgresql://u@h/d", Understood(TCP, "u", "p@ss", "d")),
        ("postgresql://u:50%@h/d", "postgresql://u@h/d", Understood(TCP, "u", "50%", "d")),
        ("postgresql://ü:p@h/ñ", "postgresql://ü@h/ñ", Understood(TCP, "ü", "p", "ñ")),
        (
            "postgresql://h?user=a@b&password=p+%2B&dbname=d",
            "postgresql://a%40b@h/d",
            Understood(TCP, "a@b", "p +", "d"),
        ),
        ("postgresql://u@h/db?port=5433", "postgresql://u@h:5433/db", None),
        # Sockets, IPv6, several hosts.
        (
            "postgresql:///db?host=/var/run/postgresql&port=5433",
            "postgresql:///db?host=/var/run/postgresql&port=5433",
            Understood(["/var/run/postgresql/.s.PGSQL.5433"], "somebody", None, "db"),
        ),
        (
            "postgresql:///db?host=/run/a:b",
            "postgresql:///db?host=/run/a:b",
            Understood(["/run/a:b/.s.PGSQL.5432"], "somebody", None, "db"),
        ),
        (
            "postgresql://u:p@%2Fvar%2Frun%2Fpostgresql:5433/db",
            "postgresql://u@/db?host=/var/run/postgresql&port=5433",
            Understood(["/var/run/postgresql/.s.PGSQL.5433"], "u", "p", "db"),
        ),
        (
            "postgresql://u@[::1]:5,[fe80::1%25eth0]:6/db",
            "postgresql://u@[::1]:5,[fe80::1%25eth0]:6/db",
            Understood([("::1", 5), ("fe80::1%eth0", 6)], "u", None, "db"),
        ),
        (
            "postgresql://u@a,b:6/db",
            "postgresql://u@a,b:6/db",
            Understood([("a", 5432), ("b", 6)], "u", None, "db"),
        ),
        (
            "postgresql://u@/db?host=a:5&host=b:6",
            "postgresql://u@a:5,b:6/db",
            Understood([("a", 5), ("b", 6)], "u", None, "db"),
        ),
        (
            "postgresql://u@/db?host=a,/run,[::1]&port=7",
            "postgresql://u@/db?host=a,/run,[::1]&port=7,7,7",
            Understood([("a", 7), "/run/.s.PGSQL.7", ("::1", 7)], "u", None, "db"),
        ),
        ("postgresql://u@/db?host=a,b&port=1,2", "postgresql://u@a:1,b:2/db", None),
        ("postgresql:///?service=shop", "postgresql://?service=shop", None),
    ],
)
def test_asyncpg_connects_to_what_the_url_says(
    url: str, address: str, expected: Understood | None
) -> None:
    """Every spelling of who and where reaches asyncpg; the address tells all but the password."""
    parsed = postgres(url)

    assert address == parsed.address
    assert postgres(address).address == address
    if expected:
        assert expected == understood(parsed.dsn)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://h/db", ("h", 6000)),
        ("postgresql:///db", ("elsewhere", 6000)),
        ("postgresql://:7/db", ("elsewhere", 7)),
    ],
)
def test_what_the_url_leaves_out_is_left_to_the_environment(
    url: str, expected: tuple[str, int]
) -> None:
    """PGHOST and PGPORT stay asyncpg's business."""
    dsn = postgres(url).dsn

    assert [expected] == understood(dsn, PGHOST="elsewhere", PGPORT="6000").addresses


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {}),
        ("connect_timeout=10", {"connect_timeout": 10.0}),
        ("connect_timeout=0.5", {"connect_timeout": 0.5}),
        ("connect_timeout=0", {"connect_timeout": math.inf}),
        ("schema=shop", {"schema": "shop", "search_path": "shop"}),
        ("schema=My+%22Shop%22", {"schema": 'My "Shop"', "search_path": '"My ""Shop"""'}),
        ("schema=a&search_path=b,c", {"schema": "a", "search_path": "b,c"}),
        ("search_path=a,b", {"search_path": "a,b"}),
        ("currentSchema=a", {"search_path": "a"}),
        ("application_name=shop", {"server_settings": (("application_name", "shop"),)}),
        ("fallback_application_name=x", {"server_settings": (("application_name", "x"),)}),
        (
            "fallback_application_name=x&application_name=y",
            {"server_settings": (("application_name", "y"),)},
        ),
        ("TimeZone=UTC", {"server_settings": (("timezone", "UTC"),)}),
        ("app.tenant=7", {"server_settings": (("app.tenant", "7"),)}),
        (
            r"options=-c%20search_path%3Dx%20--work-mem%3D1MB%20-cDateStyle%3DISO,\%20DMY",
            {
                "search_path": "x",
                "server_settings": (("work_mem", "1MB"), ("datestyle", "ISO, DMY")),
            },
        ),
        ("options=-c%20role%3Da&role=b", {"server_settings": (("role", "b"),)}),
        ("ssl=true", {"system_certificates": True}),
        ("ssl=1&sslmode=", {"system_certificates": True}),
        ("sslmode=verify-full&sslrootcert=system", {"system_certificates": True}),
        ("sslrootcert=system", {"system_certificates": True}),
        ("pgbouncer=true&connection_limit=5&pool_timeout=0&prepared_statements", {}),
        ("prepared_statement_cache_size=0&&statement_cache_size=0&command_timeout=60&", {}),
        ("keepalives=1&keepalives_idle=30&tcp_user_timeout=5000&client_encoding=UTF8", {}),
        ("channel_binding=prefer&gssencmode=disable&sslmode=", {}),
        ("supa=base-pooler.x", {}),
    ],
)
def test_a_key_is_translated_or_left_out(query: str, expected: dict[str, object]) -> None:
    """What the engine has to do is in fields of its own; asyncpg hears nothing of it."""
    parsed = postgres(f"postgresql://u@h/db?{query}")

    plain = PostgresUrl(dsn="postgresql://?host=h&user=u&dbname=db", address="postgresql://u@h/db")
    fields = {name: getattr(parsed, name) for name in PostgresUrl.__slots__}
    assert {name: getattr(plain, name) for name in PostgresUrl.__slots__} | expected == fields


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        *((f"sslmode={mode}", f"sslmode={mode}") for mode in ("disable", "allow", "prefer")),
        *((f"ssl={mode}", f"sslmode={mode}") for mode in ("require", "verify-ca", "verify-full")),
        ("sslmode=REQUIRE", "sslmode=require"),
        ("ssl=false", "sslmode=disable"),
        ("ssl=no-verify", "sslmode=require"),
        ("ssl=require&sslmode=require", "sslmode=require"),
        ("ssl=true&sslrootcert=/ca+1.pem", "sslmode=verify-full&sslrootcert=/ca%201.pem"),
        ("sslcert=/c&sslkey=/k&sslpassword=x", "sslcert=/c&sslkey=/k&sslpassword=x"),
        ("ssl_min_protocol_version=tlsv1.3", "ssl_min_protocol_version=TLSv1.3"),
        ("target_session_attrs=read-write", "target_session_attrs=read-write"),
        ("service=shop&passfile=/pass", "passfile=/pass&service=shop"),
        ("krbsrvname=pg&gsslib=gssapi", "gsslib=gssapi&krbsrvname=pg"),
        ("options=endpoint%3Dcool-sun+-c+jit%3Doff", "options=endpoint%3Dcool-sun"),
        ("options=-B+16+-c", "options=-B%2016%20-c"),
    ],
)
def test_a_key_that_asyncpg_understands_is_passed(query: str, expected: str) -> None:
    """TLS, services and sessions are asyncpg's business; spellings become libpq's."""
    parsed = postgres(f"postgresql://h?{query}")

    assert f"postgresql://?host=h&{expected}" == parsed.dsn


def test_asyncpg_reads_what_it_is_passed() -> None:
    """The mode, the session and the rest of the options arrive; nothing else is a setting."""
    query = "sslmode=require&target_session_attrs=primary&options=endpoint%3Dx&jit=off"

    parameters = ask_asyncpg(postgres(f"postgresql://h?{query}").dsn)[1]

    assert (SSLMode.require, "primary", {"options": "endpoint=x"}) == (
        parameters.sslmode,
        parameters.target_session_attrs,
        parameters.server_settings,
    )


@pytest.mark.parametrize(
    ("query", "message", "hint"),
    [
        ("sslmod=require", "has an unknown key sslmod", "did you mean sslmode?"),
        ("Schema=a", "has an unknown key Schema", "did you mean schema?"),
        ("frobnicate=1", "has an unknown key frobnicate", "a setting of the server is written"),
        ("sslmode=on", "has a value of sslmode that does not exist", "sslmode is one of disable,"),
        ("gsslib=x", "has a value of gsslib that does not exist", "gsslib is one of gssapi, sspi"),
        ("ssl=require&sslmode=prefer", "disagree", "keep sslmode"),
        ("sslmode=require&sslrootcert=system", "can be verify-full only", "write sslmode=verify-f"),
        ("ssl=true&sslcert=/c", "asyncpg cannot have sslcert together", "name the file of the"),
        ("channel_binding=require", "the channel_binding in", "asyncpg has no channel binding"),
        ("gssencmode=require", "the gssencmode in", "use TLS"),
        ("client_encoding=latin1", "the client_encoding in", "leave it out"),
        ("hostaddr=10.0.0.1", "the hostaddr in", "write the address as the host"),
        ("sslaccept=strict", "the sslaccept in", "write sslmode=verify-full"),
        ("x-migrations-table=m", "the x-migrations-table in", "--table names"),
        ("x-multi-statement=true", "x-multi-statement, which is for golang-migrate", "leave it"),
        ("connect_timeout=soon", "the connect_timeout in", "write digits only"),
        ("connect_timeout=-1", "the connect_timeout in", "write digits only"),
        ("sslmode=a&sslmode=b", "gives sslmode twice", "keep one of them"),
        ("port=7&port=8", "has 2 ports for 1 hosts", "give one port for all hosts"),
        ("host=elsewhere", "gives the host twice", "keep one of them"),
        ("user=somebody", "gives the user twice", "keep one of them"),
        ("dbname=other", "gives the database twice", "keep one of them"),
        ("=1", "no key=value", "percent-encoded"),
        ("application_name=%00", "the query in the database URL is not percent-encoded", "encode"),
    ],
)
def test_a_key_that_cannot_be_had_is_named(query: str, message: str, hint: str) -> None:
    """Nothing is ignored that somebody relies on: one sentence, and what to do."""
    with pytest.raises(DatabaseUrlError) as caught:
        parse_database(f"postgresql://u@h/db?{query}")

    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://h:0/db", "the port in the database URL is not a number from 1 to 65535"),
        ("postgresql://h:65536/db", "the port in the database URL is not a number from 1 to 65535"),
        ("postgresql://h:x/db", "the port in the database URL is not a number from 1 to 65535"),
        ("postgresql://h/db?port=x", "the port in the database URL is not a number from 1 to"),
        ("postgresql://h:1/db?port=2", "the database URL gives the port twice"),
        ("postgresql://[::1/db", "the database URL has brackets in the host that do not match"),
        ("postgresql://::1]/db", "the database URL has brackets in the host that do not match"),
        ("postgresql://u@::1/db", "the database URL has more than one colon in the host"),
        ("postgresql://a,,b/db", "the database URL has a list of hosts in which one is empty"),
        ("postgresql://${HOST}/db", "the database URL has a host with characters that no host"),
        ("postgresql://a%2Cb/db", "the database URL has a host with characters that no host"),
        ("postgresql://u:p/w@h/db", "the database URL has an @ where none can be"),
        ("postgresql://u:1/w@h/db", "the database URL has an @ where none can be"),
        ("postgresql://u:1#w@h/db", "the database URL has a # where none can be"),
        ("postgresql://u:1?w=x@h/db", "the database URL has an unknown key"),
        ("postgresql://u:1?w.x=x@h/db", "the database URL has an unknown key"),
        ("postgresql://u:1?w/x@h/db", "the database URL has something after its question mark"),
        (
            "postgresql://u:%E9@h/db",
            "the password in the database URL is not percent-encoded UTF-8",
        ),
        ("postgresql://u:p%00@h/db", "the password in the database URL is not percent-encoded UTF"),
    ],
)
def test_a_place_that_cannot_be_is_refused(url: str, message: str) -> None:
    """A password with special characters is what most of these are, so no part is repeated."""
    with pytest.raises(DatabaseUrlError) as caught:
        parse_database(url)

    assert caught.value.message.startswith(message)
    assert "w=" not in f"{caught.value.message} {caught.value.hint}"


async def test_a_server_takes_what_is_passed(postgres_url: str) -> None:
    """Asyncpg connects with the DSN, and the server knows every setting that a URL may have."""
    settings = "&".join(f"{name}=x" for name in SERVER_SETTINGS if "application" not in name)
    parsed = postgres(f"{postgres_url}&options=--jit%3Doff+-c+geqo%3Doff&{settings}")

    connection = await asyncpg.connect(parsed.dsn)
    try:
        rows = await connection.fetch(
            "SELECT name FROM pg_settings WHERE context IN ('user', 'superuser')"
        )
    finally:
        await connection.close()

    newer_than_14 = {"event_triggers", "icu_validation_level", "transaction_timeout"}
    names = {row["name"].lower() for row in rows} | {"role"} | newer_than_14
    assert set() == {name for name, _ in parsed.server_settings} - names


def test_the_tables_of_keys_agree() -> None:
    """A key has one meaning; what is harmless with some values only says what to do with others."""
    assert set() == set(DRIVER) & {*HARMLESS, *REFUSED, *SERVER_SETTINGS}
    assert set() == {*HARMLESS, *REFUSED} & set(SERVER_SETTINGS)
    assert {key for key, values in HARMLESS.items() if values} == HARMLESS.keys() & REFUSED.keys()
