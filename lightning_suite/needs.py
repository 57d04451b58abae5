"""The message that says what to install where an optional package is missing."""

import contextlib
from collections.abc import Iterator

from lightning_suite.errors import UsageError


@contextlib.contextmanager
def needs(purpose: str, install: str, *, instead: str = "") -> Iterator[None]:
    """Turn a failing import in the block into a message that says how to install the package.

    Args:
        purpose: what the package is for; the message begins with it.
        install: what pip is to install, usually an extra: ``lightning-suite[spectral]``.
        instead: what a user can do without the package.

    Raises:
        UsageError: a package that the block imports is not installed, or cannot be imported.

    Example:
        >>> with needs("reading images", "lightning-suite[spectral]", instead="convert them to .npy"):
        ...     import not_there
        Traceback (most recent call last):
        lightning_suite.errors.UsageError: reading images needs the package 'not_there'. Install it with: pip install \
'lightning-suite[spectral]'; or convert them to .npy
    """
    try:
        yield
    except ImportError as error:
        if error.name is None:
            raise
        package = error.name.partition(".")[0]
        missing = isinstance(error, ModuleNotFoundError)
        hint = "" if missing else f", which is installed and cannot be imported ({error})"
        command = "pip install" if missing else "pip install --force-reinstall"
        advice = f"; or {instead}" if instead else ""
        raise UsageError(
            f"{purpose} needs the package {package!r}{hint}. Install it with: {command} '{install}'{advice}"
        ) from error
