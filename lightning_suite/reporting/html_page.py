"""The report as one HTML page: style, drawings and pictures stand in it, and nothing is fetched."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from lightning_suite.reporting.contents import Contents, Row, RunContents, commands, number_text, value_text
from lightning_suite.reporting.departures import Option
from lightning_suite.reporting.drawing import chart_svg, line_class
from lightning_suite.reporting.markup import Content, as_html, element
from lightning_suite.seed_groups import SURE
from lightning_suite.tables import one_line

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What a browser may do with the page: show what stands in it."""


def page(contents: Contents) -> str:
    """Return the text of the page."""
    several = len(contents.runs) > 1
    sections: dict[str, Content] = {
        "What was run": [
            _facts(contents, [_places(contents), *contents.course()]),
            *(_remark(run, several) for run in contents.runs),
        ],
        "What differs": _differences(contents),
        "Metrics": _metrics(contents),
        "Learning curves": _curves(contents),
        "Pictures": _pictures(contents),
        "Data": [_facts(contents, contents.data())] if contents.data() else [],
        "Settings": _settings(contents),
        "Environment": [_facts(contents, contents.environment())] if contents.environment() else [],
        "Repeat it": [_commands(run, several) for run in contents.runs],
    }
    shown = {title: inside for title, inside in sections.items() if inside}
    links = [element("a", title, href=f"#{_anchor(title)}") for title in shown]
    body = element(
        "body",
        element("header", element("h1", contents.title), _about(contents), element("nav", links)),
        element("main", [_section(title, inside) for title, inside in shown.items()]),
        element("footer", element("p", "Written by suite report. This page needs no other file and no network.")),
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("title", contents.title),
        element("style", Path(__file__).with_name("style.css").read_text(encoding="utf-8")),
    )
    return f"<!doctype html>\n{as_html(element('html', head, body, lang='en'))}\n"


def _section(title: str, inside: Content) -> Element:
    return element("section", element("h2", title), inside, id=_anchor(title))


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _about(contents: Contents) -> list[Element]:
    """Return what the plugins of the runs are."""
    plugins = {run.departures.plugin.name: run.departures.plugin for run in contents.runs if run.departures.plugin}
    return [
        element("p", ". ".join(filter(None, (plugin.summary, plugin.paper))), class_="muted")
        for plugin in plugins.values()
    ]


def _remark(run: RunContents, several: bool) -> Element | None:
    remark = run.departures.remark
    return element("p", f"{run.name}: {remark}" if several else remark, class_="muted") if remark else None


def _table(head: Sequence[Content], rows: Iterable[tuple[Sequence[Content], str | None]]) -> Element:
    """Return a table; of a row the cells, the first of which is its name, and its class."""
    body = [
        element("tr", [element("td" if i else "th", cell) for i, cell in enumerate(cells)], class_=kind)
        for cells, kind in rows
    ]
    names = element("thead", element("tr", [element("th", name) for name in head]))
    return element("div", element("table", names if any(head) else None, element("tbody", body)), class_="wide")


def _heads(contents: Contents) -> list[Content]:
    """Return a head for the column of each run; nothing is said for a single one."""
    if len(contents.runs) == 1:
        return [""]
    return [[_chip(i), f" {i + 1}"] for i in range(len(contents.runs))]


def _chip(run: int) -> Element:
    return element("span", class_=f"chip {line_class(run, '').removeprefix('curve ')}")


def _facts(contents: Contents, rows: Sequence[Row]) -> Element:
    """Return a table of what the runs say of themselves."""
    return _table(["", *_heads(contents)], [([name, *values], None) for name, values in rows])


def _places(contents: Contents) -> Row:
    return "run", [str(run.record.path) for run in contents.runs]


def _differences(contents: Contents) -> list[Content]:
    """Return what differs between several runs, in parts; metrics have a section of their own."""
    if contents.compared is None:
        return []
    found = [each for each in contents.compared.differences if each.part != "metrics"]
    inside: list[Content] = [element("p", remark, class_="muted") for remark in contents.compared.remarks]
    for part in dict.fromkeys(each.part for each in found):
        rows = [([each.name, *each.shown()], None) for each in found if each.part == part]
        inside += [element("h3", part), _table(["", *_heads(contents)], rows)]
    return inside or [element("p", "Nothing but the metrics, times and places.")]


def _metrics(contents: Contents) -> list[Content]:
    if not contents.metrics:
        return []
    expected = {name: f"{value}" for run in contents.runs for name, value in run.expected_beside.items()}
    shown = any(name in expected for name in contents.metrics)
    rows = []
    for name in contents.metrics:
        values = [run.record.metrics.get(name) for run in contents.runs]
        cells = ["" if value is None else number_text(value) for value in values]
        rows.append(([name, *cells, *([expected.get(name, "")] if shown else [])], None))
    inside: list[Content] = [_table(["", *_heads(contents), *(["the recipe expects"] if shown else [])], rows)]
    sources = dict.fromkeys(run.expected.source for run in contents.runs if run.expected_beside and run.expected.source)
    inside += [element("p", f"The recipe expects: {source}.", class_="muted") for source in sources if shown]
    elsewhere = dict.fromkeys(f"{run.expected}" for run in contents.runs if run.expected.data)
    inside += [element("p", f"The recipe was measured elsewhere: {each}.", class_="muted") for each in elsewhere]
    compared = contents.compared
    if compared is not None and compared.metrics and max(map(len, compared.groups)) > 1:
        labels = [", ".join(f"{i + 1}" for i in group) for group in compared.groups]
        heads = [f"runs {labels[0]}", *(text for label in labels[1:] for text in (f"runs {label}", "verdict"))]
        groups = []
        for each in compared.metrics:
            first, *others = each.texts()
            pairs = [text for i, other in enumerate(others, start=1) for text in (other, each.verdict_text(i))]
            groups.append(([each.metric, first, *pairs], None))
        note = "Mean ± standard deviation (seeds) of runs that are the same but for the seed; "
        note += f"judged to differ where p is below {SURE}."
        inside += [element("h3", "By seeds"), _table(["", *heads], groups), element("p", note, class_="muted")]
    return inside


def _curves(contents: Contents) -> list[Content]:
    if not contents.charts:
        return []
    names = [f"{i + 1}: {run.name}" if contents.compared else "" for i, run in enumerate(contents.runs)]
    stages = dict.fromkeys(curve.stage for chart in contents.charts for curve in chart.curves if curve.stage)
    lines = [element("line", x1=0, x2=28, y1=4, y2=4, class_=line_class(0, stage)) for stage in sorted(stages)]
    keys = [
        element("li", element("svg", line, viewBox="0 0 28 8"), stage)
        for line, stage in zip(lines, sorted(stages), strict=True)
    ]
    if contents.compared is not None:
        keys += [element("li", _chip(i), name) for i, name in enumerate(names)]
    figures = [element("figure", element("h3", chart.measure), chart_svg(chart, names)) for chart in contents.charts]
    return [element("ul", keys, class_="legend"), element("div", figures, class_="grid-of")]


def _pictures(contents: Contents) -> list[Content]:
    """Return the pictures: those of the same name, of several runs, beside each other."""
    shown = [(name, i, uri) for i, run in enumerate(contents.runs) for name, uri in run.pictures.shown]
    figures = [
        element(
            "figure",
            element("img", src=uri, alt=name),
            element("figcaption", [_chip(i), f" {i + 1}: "] if contents.compared else None, name),
        )
        for name, i, uri in sorted(shown, key=lambda picture: picture[:2])
    ]
    left = [
        element("p", f"{run.name}: {name} is left out: {reason}", class_="muted")
        for run in contents.runs
        for name, reason in run.pictures.left_out
    ]
    return [element("div", figures, class_="grid-of"), *left] if figures or left else []


def _settings(contents: Contents) -> list[Content]:
    """Return the table of what differs from the recipe, or from the defaults, and below it that of all options."""
    options: dict[str, list[Option | None]] = {}
    for i, run in enumerate(contents.runs):
        for option in run.departures.options:
            options.setdefault(option.name, [None] * len(contents.runs))[i] = option
    changed = {name: every for name, every in options.items() if any(one and one.differs for one in every)}
    of_recipe = {
        name: every
        for name, every in options.items()
        if name not in changed and any(one and one.source == "recipe" for one in every)
    }
    rest = {name: every for name, every in options.items() if name not in changed and name not in of_recipe}
    rows = [*_option_rows(contents, changed, "differs"), *_option_rows(contents, of_recipe, None)]
    head = ["", *(_heads(contents) if contents.compared else ["this run"]), "recipe or default", ""]
    inside: list[Content] = [_table(head, rows)] if rows else []
    if not changed:
        inside.insert(0, element("p", "Nothing differs from the recipe, as far as that is known.", class_="muted"))
    if rest:
        summary = element("summary", f"{len(rest)} options more, as the defaults are or without a known default")
        inside.append(element("details", summary, _table(head, _option_rows(contents, rest, None))))
    return inside


def _option_rows(
    contents: Contents, options: dict[str, list[Option | None]], kind: str | None
) -> list[tuple[list[Content], str | None]]:
    rows: list[tuple[list[Content], str | None]] = []
    for name, every in options.items():
        one = next(option for option in every if option is not None)
        usual = "" if one.source == "not known" else value_text(one.usual)
        mark = element("span", f"differs from the {one.source}", class_="mark") if kind else one.source
        rows.append(([name, *(one_line(value) for value in contents.values(name)), one_line(usual), mark], kind))
    return rows


def _commands(run: RunContents, several: bool) -> list[Content]:
    lines = [(element("p", f"{what}:", class_="muted"), element("pre", command)) for what, command in commands(run)]
    return [element("h3", run.name) if several else None, lines]
