"""Folders, packages, zips: where migrations can be, and what is said when they are not."""

from __future__ import annotations

import os
import sys
import types
import zipfile
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from asyncmig.errors import NoMigrationsError, SourceError, SourceNotFoundError
from asyncmig.sources import find_problems, load
from asyncmig.sql import Dialect

if TYPE_CHECKING:
    from asyncmig.sources import Source

SQLITE = Dialect.SQLITE


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder `migrations` of the working directory, with one migration in it."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "migrations"
    path.mkdir()
    (path / "1_a.sql").write_text("SELECT 1;\n")
    return path


def paths(source: Source) -> list[str]:
    """Return what messages call the files of a source."""
    return [migration.path for migration in load(source, SQLITE)]


@pytest.mark.parametrize(
    "source", ["migrations", "migrations/", "./migrations", Path("migrations")]
)
@pytest.mark.usefixtures("folder")
def test_a_relative_path_stays_relative(source: str | Path) -> None:
    """Messages name the file as the user would."""
    assert ["migrations/1_a.sql"] == paths(source)


def test_an_absolute_path_stays_absolute(folder: Path) -> None:
    """As text, as a path, and as anything that has one."""
    expected = [f"{folder}/1_a.sql"]

    assert expected == paths(folder) == paths(str(folder))
    with os.scandir(folder.parent) as entries:
        assert expected == paths(next(entries))


def test_folders_and_other_files_are_passed_over(folder: Path) -> None:
    """Only files count, however a folder is called; links are followed."""
    (folder / "2_folder.sql").mkdir()
    (folder / "__pycache__").mkdir()
    (folder / "notes.md").write_text("")
    (folder / "3_link.sql").symlink_to(folder / "1_a.sql")

    assert ["migrations/1_a.sql", "migrations/3_link.sql"] == paths("migrations")


def test_a_broken_link_is_not_passed_over(folder: Path) -> None:
    """A migration that cannot be read is an error, with the reason of the system."""
    (folder / "2_gone.sql").symlink_to(folder / "nowhere")

    [error] = find_problems("migrations", SQLITE)

    assert SourceError is type(error)
    assert "migrations/2_gone.sql cannot be read: No such file or directory" == str(error)
    assert isinstance(error.__cause__, FileNotFoundError)


def test_a_link_to_itself_is_not_passed_over(folder: Path) -> None:
    """Nor does it hide the other files."""
    (folder / "2_loop.sql").symlink_to(folder / "2_loop.sql")

    [error] = find_problems("migrations", SQLITE)

    assert str(error).startswith("migrations/2_loop.sql cannot be read: ")


def test_a_folder_that_cannot_be_read_is_said_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason of the system (which refuses root nothing, hence the stand-in)."""

    def refuse(self: Path) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", refuse)

    with pytest.raises(SourceError) as caught:
        load(folder, SQLITE)

    assert f"{folder} cannot be read: Permission denied" == str(caught.value)
    assert str(folder) == caught.value.file


def test_a_missing_folder_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint says where it was looked for, which a relative path does not."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SourceNotFoundError) as caught:
        load("db/migrations", SQLITE)

    assert isinstance(caught.value, FileNotFoundError)
    assert ("there is no folder db/migrations", "db/migrations") == (
        str(caught.value),
        caught.value.file,
    )
    assert (
        f"looked for {tmp_path}/db/migrations; "
        "name another one with --source, or begin with `asyncmig init`"
    ) == caught.value.hint


@pytest.mark.usefixtures("folder")
def test_a_file_in_the_place_of_a_folder_is_said_so() -> None:
    """The hint names the folder that it is in."""
    with pytest.raises(SourceNotFoundError) as caught:
        load("migrations/1_a.sql", SQLITE)

    assert "migrations/1_a.sql is a file, and migrations are read from a folder" == str(
        caught.value
    )
    assert "give the folder that it is in: migrations" == caught.value.hint


def test_an_empty_source_is_not_the_working_directory(folder: Path) -> None:
    """An empty setting is a missing one."""
    os.chdir(folder)

    with pytest.raises(SourceNotFoundError) as caught:
        load("", SQLITE)

    assert "the source is empty" == str(caught.value)


def test_a_source_of_another_type_is_a_mistake_of_the_caller() -> None:
    """A module, for instance, is no source."""
    with pytest.raises(TypeError, match="a source is a path or a Traversable, not module"):
        load(os, SQLITE)  # type: ignore[arg-type]


ROTTEN = "raise RuntimeError('a migration run imports nothing')\n"
SHOP = {
    "shop_{0}/__init__.py": ROTTEN,
    "shop_{0}/module.py": ROTTEN,
    "shop_{0}/migrations/__init__.py": ROTTEN,
    "shop_{0}/migrations/1_a.sql": "SELECT 1;\n",
    "shop_{0}/migrations/2_b.py": "async def up(connection): ...\n",
    "shop_{0}/data/sql/1_a.sql": "SELECT 1;\n",
    "shop_{0}/empty/readme.md": "",
    "bare_{0}/1_a.sql": "SELECT 1;\n",
}


def as_folder(target: Path, tag: str) -> None:
    """Lay the distribution out as pip does."""
    for name, content in SHOP.items():
        file = target / name.format(tag)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


def as_zip(target: Path, tag: str) -> None:
    """Pack the distribution as a zip or a wheel: without entries for the folders."""
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in SHOP.items():
            archive.writestr(name.format(tag), content)


@pytest.fixture(params=["folder", "zip", "whl"])
def tag(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Put a distribution on `sys.path`, and return what its packages' names end with."""
    name: str = request.param
    site = tmp_path / f"site.{name}"
    (as_folder if name == "folder" else as_zip)(site, name)
    monkeypatch.syspath_prepend(site)
    return name


@pytest.mark.parametrize("folder", ["migrations", "data.sql"])
def test_a_package_is_read_without_importing_it(tag: str, folder: str) -> None:
    """Not the package, not its parents; and its folders need no `__init__`."""
    source = f"package:shop_{tag}.{folder}"
    before = set(sys.modules)

    assert f"{source}/1_a.sql" == paths(source)[0]
    assert not {name for name in set(sys.modules) - before if name.startswith("shop_")}


def test_a_package_that_was_imported_is_read(tag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An application names its own package."""
    source = f"package:shop_{tag}.migrations"
    package = types.ModuleType(f"shop_{tag}")
    package.__spec__ = find_spec(f"shop_{tag}")
    monkeypatch.setitem(sys.modules, f"shop_{tag}", package)

    assert [f"{source}/1_a.sql", f"{source}/2_b.py"] == paths(source)


def test_a_resource_is_read(tag: str, tmp_path: Path) -> None:
    """What `importlib.resources.files` returns, in a folder and in a zip."""
    root = zipfile.Path(tmp_path / f"site.{tag}") if tag != "folder" else tmp_path / "site.folder"
    resource = root.joinpath(f"shop_{tag}", "migrations")

    expected = f"{tmp_path}/site.{tag}/shop_{tag}/migrations"
    assert [f"{expected}/1_a.sql", f"{expected}/2_b.py"] == paths(resource)


def test_a_namespace_package_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder on `sys.path` without an `__init__` is a package too."""
    as_folder(tmp_path, "namespace")
    monkeypatch.syspath_prepend(tmp_path)

    assert ["package:bare_namespace/1_a.sql"] == paths("package:bare_namespace")
    assert ["bare_namespace/1_a.sql"] == paths(files("bare_namespace"))


ON_PATH = "it is looked for on sys.path: "
AS_IMPORT = "write it as an import does: package:shop.migrations"


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("package:nowhere.migrations", "there is no package nowhere", ON_PATH),
        (
            "package:shop_{}.migration",
            "there is no folder package:shop_{}.migration",
            "looked for ",
        ),
        ("package:json.decoder", "there is no folder package:json.decoder", "looked for "),
        ("package:abc", "abc is not a package", ON_PATH),
        ("package:", "'' is not the name of a package", AS_IMPORT),
        ("package:a..b", "'a..b' is not the name of a package", AS_IMPORT),
        ("package:shop/sql", "'shop/sql' is not the name of a package", AS_IMPORT),
    ],
)
def test_a_package_that_is_not_there_is_said_so(
    tag: str, source: str, message: str, hint: str
) -> None:
    """A misspelt name, a module, a path: each gets its sentence."""
    with pytest.raises(SourceNotFoundError) as caught:
        load(source.format(tag), SQLITE)

    assert (message.format(tag), source.format(tag)) == (str(caught.value), caught.value.file)
    assert caught.value.hint.startswith(hint)


def test_a_module_without_a_spec_is_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """`__main__` of a script is one, and so is a module that was put together by hand."""
    module = types.ModuleType("by_hand")
    monkeypatch.setitem(sys.modules, "by_hand", module)

    with pytest.raises(SourceNotFoundError) as caught:
        load("package:by_hand", SQLITE)

    assert "there is no package by_hand" == str(caught.value)


def test_a_package_without_migrations_is_said_so(tag: str) -> None:
    """As for a folder."""
    with pytest.raises(NoMigrationsError) as caught:
        load(f"package:shop_{tag}.empty", SQLITE)

    assert f"no migrations in package:shop_{tag}.empty" == str(caught.value)


def test_a_namespace_package_in_a_zip_is_read_or_said_not_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python learned it with 3.13; before, the error says what the package needs."""
    with zipfile.ZipFile(tmp_path / "site.zip", "w") as archive:
        archive.writestr("bare_in_zip/", "")
        archive.writestr("bare_in_zip/1_a.sql", "SELECT 1;\n")
    monkeypatch.syspath_prepend(tmp_path / "site.zip")

    if sys.version_info >= (3, 13):
        assert ["package:bare_in_zip/1_a.sql"] == paths("package:bare_in_zip")
        return
    with pytest.raises(SourceNotFoundError) as caught:
        load("package:bare_in_zip", SQLITE)

    assert ("package bare_in_zip cannot be listed", "give it an __init__.py") == (
        str(caught.value),
        caught.value.hint,
    )
