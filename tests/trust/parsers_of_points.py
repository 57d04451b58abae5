"""The parsers of spectral: tables of points, matrices, graphs, texts and images."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from suite_spectral.sources.contents import Choice, Source
from suite_spectral.sources.reading import read as read_points
from tests.trust.parsers import Parser, Seed
from tests.trust.valid_files import POINTS, TEXTS, lines, npy_files, npz_files, objects, saved, tables


def _points(**choice: Any) -> Callable[[Path], Source]:
    return lambda path: read_points(path, Choice(**choice))


def _rows_of_points(source: Source) -> list[Any] | None:
    is_plain = source.kind == "points" and not source.remarks
    return source.content.astype(np.float64).tolist() if is_plain else None


def _number_tables() -> list[Seed]:
    rows = [",".join(map(str, row)) for row in POINTS.tolist()]
    return [
        Seed("a.csv", "\n".join(["u,v,w", *rows, ""]).encode()),
        Seed("a.tsv", "\n".join(["u,v,w", *rows, ""]).replace(",", "\t").encode()),
        Seed("a.csv", "\n".join(["u,v,w", *rows, ""]).encode("utf-16")),
        Seed(
            "a.jsonl",
            "".join(json.dumps(dict(zip("xyz", row, strict=True))) + "\n" for row in POINTS.tolist()).encode(),
        ),
    ]


MATRICES = (
    b"%%MatrixMarket matrix coordinate real symmetric\n% a comment\n4 4 4\n2 1 0.5\n3 2 1\n4 1 2\n4 4 1e-3\n",
    b"%%MatrixMarket matrix coordinate pattern general\n3 4 3\n1 1\n2 4\n3 2\n",
    b"%%MatrixMarket matrix array real general\n2 3\n1\n2\n3\n4\n5\n6\n",
    b"%%MatrixMarket matrix array integer symmetric\n2 2\n1\n2\n3\n",
)
LISTS = (
    b"# friends\n0 1\n1 2 \n2 0\n3 0\n",
    b"0\t1\t0.5\n1\t2\t1\n2\t0\t2e-3\n",
    "Ann,Bob\nBob,Cleo\nЯн,Ann\n".encode(),
    b"source,target,weight\n10,11,1\n11,12,2.5\n",
)


def _images() -> list[Seed]:
    from PIL import Image

    colours = np.random.default_rng(2).integers(0, 255, (6, 5, 3), dtype=np.uint8)
    kinds = {"RGB": colours, "L": colours[..., 0], "RGBA": np.dstack([colours, colours[..., :1]])}
    kinds |= {"I;16": colours[..., 0].astype(np.uint16) * 200}
    seeds = [
        Seed("a.png", saved(lambda file, array=array: Image.fromarray(array).save(file, "PNG")))  # type: ignore[misc]
        for array in kinds.values()
    ]
    image = Image.fromarray(colours)
    seeds.append(Seed("a.png", saved(lambda file: image.convert("P").save(file, "PNG"))))
    for suffix, name in ((".jpg", "JPEG"), (".bmp", "BMP"), (".tif", "TIFF"), (".webp", "WEBP")):
        seeds.append(Seed(f"a{suffix}", saved(lambda file, name=name: image.save(file, name))))  # type: ignore[misc]
    exif = Image.Exif()
    exif[0x0112] = 6
    seeds.append(Seed("a.jpeg", saved(lambda file: image.save(file, "JPEG", exif=exif, progressive=True))))
    return seeds


def _parquet_tables() -> list[Seed]:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {"x": POINTS[:, 0], "n": np.arange(12), "v": [[1.0, 2.0]] * 12, "text": [*TEXTS, "a", "b", None, "d"]}
    table = pa.table(columns)

    def seed(**options: Any) -> Seed:
        return Seed("a.parquet", saved(lambda file: parquet.write_table(table, file, **options)))

    return [seed(), seed(compression="none", use_dictionary=False), seed(compression="zstd", version="1.0")]


PARSERS = (
    Parser("spectral: tables", _points(), _number_tables, _rows_of_points, 1),
    Parser("spectral: parquet", _points(), _parquet_tables),
    Parser(
        "spectral: texts",
        _points(text_column=["text"], label_column="label"),
        lambda: [*tables(), Seed("a.jsonl", objects())],
    ),
    Parser("spectral: .npy", _points(), npy_files),
    Parser("spectral: .npz", _points(), npz_files),
    Parser("spectral: matrices", _points(), lambda: [Seed("a.mtx", content) for content in MATRICES]),
    Parser("spectral: edges", _points(), lambda: [Seed("a.edges", content) for content in LISTS]),
    Parser("spectral: lines", _points(), lambda: [Seed("a.txt", c) for c in (*LISTS, lines(), b"1.5 2 3\n4 5 6\n")]),
    Parser("spectral: images", _points(), _images),
)
