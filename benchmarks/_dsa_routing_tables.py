"""The tables of benchmarks/dsa_routing.py."""

from typing import Any

from benchmarks._markdown import beside, markdown


def table(results: dict[str, Any], allocator: str = "default") -> str:
    """Return milliseconds of every way to route, and how many times those of the op they are."""
    kept = results[allocator]["table"]
    columns = [row for modes in zip(*(shape.values() for shape in kept.values()), strict=True) for row in modes]
    names = [f"{mode}, {shape}" for mode in next(iter(kept.values())) for shape in kept]
    rows = [
        [name, *(beside(column[name]["median"], column["dsa_routing"]["median"]) for column in columns)]
        for name in columns[0]
    ]
    return markdown(["ms, 1 thread", *names], rows)


def table_kept(results: dict[str, Any]) -> str:
    """Return the table for malloc that keeps freed pages."""
    return table(results, "kept")


def table_floor(results: dict[str, Any]) -> str:
    """Return the op's times beside one pass over its words, on one thread and on two."""
    columns = {
        f"{shape}, {threads} thread{'s' if threads != '1' else ''}": times
        for shape, both in results["kept"]["floor"].items()
        for threads, times in sorted(both.items())
    }
    rows = [
        [name, *(beside(times[name]["minimum"], times["read x once"]["minimum"]) for times in columns.values())]
        for name in next(iter(columns.values()))
    ]
    return markdown(["ms, wall, least", *columns], rows)


def table_fusing(results: dict[str, Any]) -> str:
    """Return the times of projection, LeakyReLU and routing, whole and in blocks."""
    shapes = {
        f"{shape}, malloc: {allocator}": each["times"]
        for allocator in results["allocators"]
        for shape, each in results[allocator]["fusing"].items()
    }
    rows = [
        [name, *(beside(times[name]["median"], times["whole"]["median"]) for times in shapes.values())]
        for name in next(iter(shapes.values()))
    ]
    return markdown(["ms, 1 thread", *shapes], rows)


def table_growth(results: dict[str, Any]) -> str:
    """Return nanoseconds of the op for each number of its words while one thing grows."""
    rows = [
        [
            f"{what}: {value}",
            *(f"{each['median']:.2f}" for each in times.values()),
            *(f"{each['median']:.2f}" for each in results["default"]["growth"][what][value].values()),
        ]
        for what, values in results["kept"]["growth"].items()
        for value, times in values.items()
    ]
    modes = ["forward", "forward and backward"]
    return markdown(["ns a number", *(f"{mode}{note}" for note in ("", ", malloc: default") for mode in modes)], rows)


def table_step(results: dict[str, Any]) -> str:
    """Return the times of a training step with either attention, and the share of the attention."""
    whole = {name: each["median"] for name, each in results["step"]["step"].items()}
    alone = {name: each["median"] for name, each in results["step"]["alone"].items()}
    rows = []
    for name, time in whole.items():
        routing = f"{alone['routing']:.1f} ({alone['routing'] / time:.0%})" if name == "dynamic" else ""
        rows.append([name, beside(time, whole["static"]), f"{alone[name]:.1f} ({alone[name] / time:.0%})", routing])
    return markdown(["attention", "step, ms", "attention alone", "routing alone"], rows)


def table_cuda(results: dict[str, Any]) -> str:
    """Return the times of the ways to route on a GPU, and the op's part of a copy's bandwidth."""
    if not results["cuda"]:
        return "GPU: not measured."
    ways = {name: "" for case in results["cuda"].values() for name in case["times"] if name != "copy x"}
    rows = []
    for name, case in results["cuda"].items():
        for mode in ("forward", "forward and backward"):
            unit = case["times"]["dsa_routing"][mode]["median"]
            times = [case["times"][way] and case["times"][way][mode]["median"] for way in ways]
            part = case["part"]["forward" if mode == "forward" else "backward"]
            cells = [beside(time, unit) if time else "out of memory" for time in times]
            rows.append([f"{name}: {mode}", *cells, f"{part:.0%}"])
    return markdown(["ms", *ways, "of the copy bandwidth (forward, or backward alone)"], rows)
