"""An alembic project: its configuration, its environment and its revisions in their order."""

from __future__ import annotations

import logging.config
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import to_tuple
from alembic.util.exc import CommandError

from asyncmig.errors import SettingsError, SourceError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from alembic.script import Script

_NOT_OF_A_REVISION = frozenset(
    {
        "connection",
        "dialect_name",
        "dialect_opts",
        "literal_binds",
        "output_buffer",
        "transactional_ddl",
        "url",
    }
)
"""What says where to run, and not what a revision means."""


@dataclass(frozen=True, slots=True)
class Project:
    """An alembic project.

    Attributes:
        config: What its file says.
        scripts: Its folder.
        options: What its ``env.py`` gives to ``context.configure()``: the naming convention of its
            metadata names the constraints for which a revision has no name.
    """

    config: Config
    scripts: ScriptDirectory
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def environment(self) -> EnvironmentContext:
        """Return what ``alembic.context`` stands for in a revision."""
        return EnvironmentContext(self.config, self.scripts)

    def parents_of(self, script: Script) -> tuple[str, ...]:
        """Return the revisions that one follows, and those that it says it depends on."""
        named = (*to_tuple(script.down_revision, ()), *to_tuple(script.dependencies, ()))
        return tuple(self.scripts.get_revision(name).revision for name in named)

    def revisions(self) -> list[Script]:
        """Return the revisions, each behind all those that it builds on.

        Raises:
            SourceError: They cannot be read.
        """
        try:
            return list(self.scripts.walk_revisions())[::-1]
        except Exception as error:
            raise SourceError(
                f"the revisions in {self.scripts.dir} cannot be read: {_sentence(error)}",
                hint="`alembic history` has to work first",
                file=str(self.scripts.dir),
            ) from error


def open_project(where: Path, *, section: str = "alembic", with_env: bool = True) -> Project:
    """Read a project.

    Args:
        where: ``alembic.ini``, a ``pyproject.toml``, or the folder with ``versions``.
        section: The section of the file.
        with_env: Whether to run ``env.py``, up to where it configures itself offline.

    Raises:
        SettingsError: There is none, or its environment cannot be run.
    """
    try:
        config = _config(where, section)
        scripts = ScriptDirectory.from_config(config)
    except CommandError as error:
        raise SettingsError(f"{where} is no alembic project: {_sentence(error)}") from error
    options = _options(config, scripts) if with_env else {}
    return Project(config, scripts, options)


def _config(where: Path, section: str) -> Config:
    if where.is_dir():
        file = where / "alembic.ini"
        config = Config(str(file) if file.is_file() else None, ini_section=section)
        if not config.file_config.has_section(section):
            config.file_config.add_section(section)
        config.set_section_option(section, "script_location", str(where).replace("%", "%%"))
        return config
    if not where.is_file():
        raise SettingsError(
            f"there is no {where}",
            hint="name alembic.ini, pyproject.toml or the folder with versions: --config PATH",
        )
    if where.suffix == ".toml":
        return Config(toml_file=str(where), ini_section=section)
    return Config(str(where), ini_section=section)


class _ConfiguredError(BaseException):
    """``env.py`` has said what it wants. Not an ``Exception``, which it might catch."""


def _options(config: Config, scripts: ScriptDirectory) -> dict[str, Any]:
    """Run ``env.py`` as for a script, and stop it where it says how its revisions are meant.

    Raises:
        SettingsError: It fails before that, or never says it.
    """
    found: dict[str, Any] = {}

    def configure(*_: object, **options: Any) -> NoReturn:  # noqa: ANN401 - alembic's
        found.update(options)
        raise _ConfiguredError

    environment: Any = EnvironmentContext(config, scripts, as_sql=True)
    environment.configure = configure  # alembic.context looks its methods up in the object
    try:
        with environment, _logging_left_alone():
            scripts.run_env()
    except _ConfiguredError:
        return {key: value for key, value in found.items() if key not in _NOT_OF_A_REVISION}
    except Exception as error:
        raise _unusable(scripts, f"{type(error).__name__}: {_sentence(error)}") from error
    raise _unusable(scripts, "it does not call context.configure() offline")


@contextmanager
def _logging_left_alone() -> Generator[None]:
    """Let ``env.py`` configure no logging: as alembic writes it, it silences every other logger."""
    names = ("dictConfig", "fileConfig")
    kept = {name: getattr(logging.config, name) for name in names}
    for name in names:
        setattr(logging.config, name, _configure_nothing)
    try:
        yield
    finally:
        for name, configure in kept.items():
            setattr(logging.config, name, configure)


def _configure_nothing(*_arguments: object, **_options: object) -> None:
    """Stand in for what configures logging."""


def _unusable(scripts: ScriptDirectory, why: str) -> SettingsError:
    return SettingsError(
        f"{Path(scripts.dir, 'env.py')} cannot be run: {why}",
        hint="set what it needs, as for `alembic upgrade --sql`; or leave it out with --no-env, "
        "and constraints that only its naming convention names are left without a name",
    )


def _sentence(error: BaseException) -> str:
    words = str(error).strip().splitlines()
    return words[0].rstrip(".") if words else type(error).__name__
