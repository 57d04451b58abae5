"""What the branches of a TTree and the fields of an RNTuple hold: one value an entry, a list, or lists of lists."""

from typing import Any, NamedTuple

import uproot


class Fields(NamedTuple):
    """The branches of a TTree, or the fields of an RNTuple.

    Attributes:
        entries: the number of entries.
        arrays: by name, what has ``array(entry_start=, entry_stop=)``.
        axes: by name, 1 for one value an entry, 2 for a list of numbers, 3 for lists of lists, 0 for anything else.
        counters: the branches that hold the lengths of others.
    """

    entries: int
    arrays: dict[str, Any]
    axes: dict[str, int]
    counters: frozenset[str] = frozenset()

    def names(self, axes: int) -> list[str]:
        """Return the names of those with so many axes that are no counters."""
        return [name for name, number in self.axes.items() if number == axes and name not in self.counters]


def fields_of(tree: Any) -> Fields:
    """Return the branches of uproot's TTree, or the fields of its RNTuple; ``LIST.FIELD`` of a list of records."""
    if not isinstance(tree, uproot.TTree):
        return _of_ntuple(tree)
    branches = {branch.name: branch for branch in tree.itervalues(recursive=True)}
    counters = {branch.count_branch.name for branch in branches.values() if branch.count_branch is not None}
    axes = {name: axes_of_branch(branch.interpretation, branch.typename) for name, branch in branches.items()}
    return Fields(tree.num_entries, branches, axes, frozenset(counters))


def axes_of_branch(kind: Any, typename: str) -> int:
    """Return the number of axes as in `Fields`, from uproot's interpretation of a branch and the name of its type.

    Example:
        >>> axes_of_branch(uproot.AsJagged(uproot.AsDtype(">f4")), "std::vector<float>")
        2
        >>> nested = uproot.AsVector(True, uproot.AsVector(False, uproot.AsDtype(">f4").to_dtype))
        >>> axes_of_branch(uproot.AsObjects(nested), "std::vector<std::vector<float>>")
        3
    """
    if isinstance(kind, uproot.AsJagged):
        return 2 if isinstance(kind.content, uproot.AsDtype) and not kind.content.inner_shape else 0
    if isinstance(kind, uproot.AsDtype):
        return 0 if kind.to_dtype.names else 1 + len(kind.inner_shape)
    if typename.replace("std::", "").startswith("vector<vector<"):
        return 3
    return 1 if isinstance(kind, uproot.AsStrings) else 0


def _of_ntuple(ntuple: Any) -> Fields:
    form = ntuple.to_akform()
    form = form[0] if isinstance(form, tuple) else form  # uproot 5.6 and later add which fields are lists
    axes: dict[str, int] = {}
    for name, content in zip(form.fields, form.contents, strict=True):
        if content.parameter("__array__") == "string":
            axes[name] = 1
        elif content.fields:  # lists of records
            depth = content.purelist_depth - 1
            while not content.is_record:
                content = content.content
            of_records = zip(content.fields, content.contents, strict=True)
            axes |= {f"{name}.{field}": depth + inside.purelist_depth for field, inside in of_records}
        else:
            axes[name] = content.purelist_depth
    return Fields(ntuple.num_entries, {name: ntuple[name] for name in axes}, axes)
