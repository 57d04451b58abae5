"""What a file holds, and what of it is meant."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from numpy.typing import NDArray

from suite_spectral.tables import Column

Kind = Literal["points", "texts", "graph", "image"]
ReadAs = Literal["points", "texts", "graph"]


class Choice(NamedTuple):
    """What of a file is read, and how; None leaves it to the rules above.

    Attributes:
        columns: of points.
        label_column: of labels; in an .npz file the array of them.
        text_column: of texts; several are joined.
        key: array of points in an .npz file.
        header: whether the first line of a table names its columns.
        read_as: what the file holds.
    """

    columns: Sequence[Column] | None = None
    label_column: Column | None = None
    text_column: Sequence[Column] | None = None
    key: str | None = None
    header: bool | None = None
    read_as: ReadAs | None = None


class Source(NamedTuple):
    """What a file holds.

    Attributes:
        kind: what it is.
        content: points (point, dim), dense or csr; texts; W of a graph (node, node), csr.
        labels: (example,) of any type, or None.
        names: of the columns of points, or of the nodes; None where they are numbered.
        image_shape: height, width and channels of an image.
        remarks: what the user should know, a line each.
    """

    kind: Kind
    content: Any
    labels: NDArray[Any] | None = None
    names: list[str] | None = None
    image_shape: tuple[int, int, int] | None = None
    remarks: Sequence[str] = ()
