"""Makes ``lightning`` another name of ``pytorch_lightning`` while a plugin is imported, and ever after if it asked.

Lightning is published under two names, ``pytorch_lightning`` and ``lightning.pytorch``, whose classes are equal and
distinct: a trainer of the one refuses a module of the other. A plugin may be written for either, for here both names
lead to the same classes, whether or not the package ``lightning`` is installed. A program that has imported that
package before keeps it; then its classes are refused.
"""

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

_NAMES = {"lightning.pytorch": "pytorch_lightning", "lightning.fabric": "lightning_fabric"}


@contextmanager
def taken() -> Iterator[None]:
    """Have an import of ``lightning`` inside give the modules of ``pytorch_lightning``."""
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        with suppress(ValueError):
            sys.meta_path.remove(finder)


class _Finder:
    """Finds the package ``lightning``, and fills it from the packages that have its parts."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the specification of ``lightning``; nothing for any other name."""
        return spec_from_loader(name, self, is_package=True) if name == "lightning" else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python to make an empty module."""

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module, and enter the parts that are loaded under their other names.

        A part that is loaded later is another module of the same file, whose classes derive from those here.
        """
        for other, own in _NAMES.items():
            package = importlib.import_module(own)
            for name, part in list(sys.modules.items()):
                if name == own or name.startswith(f"{own}."):
                    sys.modules[other + name.removeprefix(own)] = part
            setattr(module, other.rpartition(".")[2], package)
            vars(module).update({name: getattr(package, name) for name in getattr(package, "__all__", ())})
            module.__version__ = getattr(package, "__version__", "")  # type: ignore[attr-defined]
