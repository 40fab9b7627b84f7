"""The plugin's options: the command line wins over the ini file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

KEY = "MESHLINE_API_KEY"
_NEEDED = {
    "registry": "the registry's address",
    "system": "the system that is tested",
    "version": "the version of that system",
}


@dataclass(frozen=True)
class Options:
    """Where contracts come from, who is tested, and what becomes of the results."""

    folder: Path | None
    registry: str
    system: str
    version: str
    register: bool
    unregistered: str

    @property
    def key(self) -> str:
        """The API key, from the environment only: it belongs in no file and no process list."""
        return os.environ.get(KEY, "")


def add_options(parser: pytest.Parser) -> None:
    """Add options and ini values to pytest's."""
    group = parser.getgroup("meshline", "contracts of Meshline")
    group.addoption("--meshline-contracts", metavar="FOLDER", help="folder of contract files")
    group.addoption(
        "--meshline-registry",
        metavar="URL",
        help=f"registry to register in, and to read from without a folder; its key is in {KEY}",
    )
    group.addoption("--meshline-system", metavar="NAME", help="the system that is tested")
    group.addoption("--meshline-version", metavar="VERSION", help="the system's version")
    group.addoption(
        "--meshline-register",
        action="store_true",
        help="register the results as verification when the session has ended",
    )
    group.addoption(
        "--meshline-unregistered",
        choices=("warn", "fail"),
        help="what to do about a result that could not be registered (default: warn)",
    )
    parser.addini("meshline_contracts", "folder of contract files, from the ini file's folder")
    parser.addini("meshline_registry", "address of the registry")
    parser.addini("meshline_system", "the system that is tested")
    parser.addini("meshline_version", "the system's version")
    parser.addini("meshline_unregistered", "warn or fail", default="warn")


def options_of(config: pytest.Config) -> Options:
    """Return the options as given. Raises: pytest.UsageError for what cannot be meant."""
    chosen = {name: _given(config, name) for name in (*_NEEDED, "unregistered")}
    if chosen["unregistered"] not in ("warn", "fail"):
        raise pytest.UsageError("meshline_unregistered is neither warn nor fail.")
    options = Options(
        folder=_folder(config), register=bool(config.getoption("--meshline-register")), **chosen
    )
    lacking = [name for name in _NEEDED if not chosen[name]]
    if options.register and lacking:
        told = f"--meshline-register needs {_NEEDED[lacking[0]]}: give --meshline-{lacking[0]}"
        raise pytest.UsageError(f"{told}, or meshline_{lacking[0]} in the ini file.")
    if options.register and not options.key:
        told = "--meshline-register needs an API key with contracts:read and contracts:verify"
        raise pytest.UsageError(f"{told}: set {KEY}.")
    return options


def _given(config: pytest.Config, name: str) -> str:
    given = config.getoption(f"--meshline-{name}")
    return str(given or config.getini(f"meshline_{name}") or "").strip()


def _folder(config: pytest.Config) -> Path | None:
    given = config.getoption("--meshline-contracts")
    if given:
        return config.invocation_params.dir / str(given)
    named = str(config.getini("meshline_contracts") or "").strip()
    return (config.inipath.parent if config.inipath else config.rootpath) / named if named else None
