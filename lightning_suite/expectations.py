"""What a recipe expects of a run: the numbers of its key ``expected``, where they are of the data that the run has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lightning_suite.errors import printable

SAME_DATA = {"data.batch_size", "data.num_workers", "data.predict_path"}
"""Options of the data that leave what a network is tested on as it is in every plugin."""


@dataclass(frozen=True)
class Expectation:
    """The numbers that a recipe expects.

    Attributes:
        numbers: by the names of metrics.
        source: where they are from.
        data: what they were measured on, where the user has to bring it; empty where the recipe brings it.
    """

    numbers: Mapping[str, float]
    source: str
    data: str

    @classmethod
    def of(cls, recipe: Mapping[str, Any]) -> "Expectation":
        """Return what a recipe expects; nothing where it says nothing, or not as it should.

        Example:
            >>> print(Expectation.of({"expected": {"test_auc": 0.9, "data": "jets of W and QCD", "source": "table 2"}}))
            test_auc 0.9 on jets of W and QCD (table 2)
        """
        said = recipe.get("expected")
        said = said if isinstance(said, Mapping) else {}
        numbers = {name: value for name, value in said.items() if isinstance(value, int | float)}
        return cls(numbers, *(printable(str(said.get(key) or "")) for key in ("source", "data")))

    def __str__(self) -> str:
        """Return numbers, data and source in a line."""
        numbers = ", ".join(f"{name} {value}" for name, value in self.numbers.items())
        said = [numbers, f"on {self.data}" if numbers and self.data else "", f"({self.source})" if self.source else ""]
        return " ".join(filter(None, said))

    def beside(self, others: Iterable[str]) -> Mapping[str, float]:
        """Return the numbers that may stand beside those of a run: none where it was tested on other data.

        What a user brings may be what was expected of it or not; no option tells.

        Args:
            others: options in which the run differs from the recipe, ``data.path`` or ``--data.path``.

        Example:
            >>> expected = Expectation.of({"expected": {"test_auc": 0.9}})
            >>> expected.beside(["--model.hidden_dim"]), expected.beside(["--data.path"])
            ({'test_auc': 0.9}, {})
        """
        names = {name.removeprefix("--") for name in others}
        is_other = any(name.startswith("data.") for name in names - SAME_DATA)
        return {} if is_other or self.data else self.numbers
