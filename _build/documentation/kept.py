"""What took long to make is kept in build/documentation as long as nothing that it is made of has changed."""

import hashlib
from collections.abc import Callable
from functools import cache

from places import ROOT

KEPT = ROOT / "build" / "documentation"


@cache
def source() -> str:
    """Return a checksum of the source of core and plugins."""
    whole = hashlib.sha256()
    for folder in ("lightning_suite", "plugins"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".yaml", ".so"}:
                whole.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return whole.hexdigest()


def text(name: str, make: Callable[[], str]) -> str:
    """Return the text that ``make`` returns, or that it returned for the same name and source before."""
    key = hashlib.sha256(f"{name} {source()}".encode()).hexdigest()[:20]
    path = KEPT / key
    if not path.exists():
        made = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made, encoding="utf-8")
    return path.read_text(encoding="utf-8")
