"""Where a plugin comes from: the entry point of a distribution, or a path that was typed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """What is known of a plugin before anything of it is imported.

    Example:
        >>> print(Origin("echo", "echo_net:plugin", "echo-net", "1.0"))
        echo-net 1.0, entry point echo = echo_net:plugin

    Attributes:
        name: name of the entry point, or the path that was typed.
        value: ``module:attribute`` of the record.
        distribution: the distribution that brings the plugin; empty for a typed path.
        version: version of the distribution.
        changed_environment: the environment variables that the import of the record changed; they were restored.
    """

    name: str = ""
    value: str = "a record that was made in Python"
    distribution: str = ""
    version: str = ""
    changed_environment: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.distribution:
            return self.value
        return f"{self.distribution} {self.version}, entry point {self.name} = {self.value}"

    @property
    def correct(self) -> str:
        """Return the repair that only the author can make: to correct the module that holds the record."""
        return f"correct {self.value.partition(':')[0]}{self.upgrade}"

    @property
    def upgrade(self) -> str:
        """Return what a user can do where the author has to repair; empty for a typed path."""
        if not self.distribution:
            return ""
        return f", or try a newer one: pip install --upgrade {self.distribution}"
