"""Files of every kind: recognised by their suffix, decompressed, and checked."""

import bz2
import gzip
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from PIL import Image

from lightning_suite.errors import DataError, UsageError
from suite_spectral.sources import reading
from suite_spectral.sources.contents import Choice, Source
from suite_spectral.sources.reading import read, without_unused

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "spectral"
POINTS = np.array([[1.0, 2.0], [3.0, 4.0]])


def text(folder: Path, name: str, content: str, **choice: Any) -> Source:
    (folder / name).write_text(content, encoding="utf-8")
    return read(folder / name, Choice(**choice))


def shared(name: str) -> Path:
    if not (DATA / name).is_file():
        pytest.skip(f"the measured data set {name} is not there")
    return DATA / name


def write(path: Path) -> None:
    """The same two points, or two nodes, in every format."""
    match path.suffix:
        case ".npy":
            np.save(path, POINTS)
        case ".npz":
            np.savez(path, X=POINTS)
        case ".mtx":
            scipy.io.mmwrite(path, scipy.sparse.coo_array(np.eye(2)))
        case ".parquet":
            pyarrow = pytest.importorskip("pyarrow")
            pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table({"x": [1.0, 3.0], "y": [2.0, 4.0]}), path)
        case ".csv":
            path.write_text("x,y\n1,2\n3,4\n")
        case ".tsv":
            path.write_text("x\ty\n1\t2\n3\t4\n")
        case ".edges" | ".edgelist":
            path.write_text("a b\n")
        case ".txt":
            path.write_text("Hello world\nGood bye\n")
        case _:
            Image.new("L", (2, 1)).save(path)


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [
        *((suffix, "points") for suffix in (".npy", ".npz", ".csv", ".tsv", ".parquet")),
        *((suffix, "graph") for suffix in (".mtx", ".edges", ".edgelist")),
        (".txt", "texts"),
        *((suffix, "image") for suffix in (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".webp")),
    ],
)
def test_the_suffix_says_what_a_file_holds(tmp_path: Path, suffix: str, kind: str) -> None:
    path = tmp_path / f"file{suffix}"
    write(path)
    found = read(path)
    assert (found.kind, found.content.shape[0] if kind != "texts" else len(found.content)) == (kind, 2)


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, bz2.compress])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt", ".mtx", ".edges"])
def test_compressed_files_are_the_same(tmp_path: Path, suffix: str, compress: Any) -> None:
    path = tmp_path / f"file{suffix}"
    write(path)
    ending = {gzip.compress: ".gz", lzma.compress: ".xz", bz2.compress: ".bz2"}[compress]
    packed = tmp_path / f"file{suffix}{ending}"
    packed.write_bytes(compress(path.read_bytes()))
    assert repr(read(packed)) == repr(read(path))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("1 2\n2 3\n", "graph"),
        ("1 2 0.5\n2 3 1\n", "graph"),
        ("1.5 2\n2 3\n", "points"),
        ("1 2 3 4\n5 6 7 8\n", "points"),
        ("1 2\nwords\n", "texts"),
    ],
)
def test_a_txt_file_is_told_by_its_lines(tmp_path: Path, content: str, kind: str) -> None:
    assert text(tmp_path, "file.txt", content).kind == kind


def test_that_a_txt_file_was_guessed_is_said(tmp_path: Path) -> None:
    assert "read as graph; --data.read_as" in text(tmp_path, "file.txt", "1 2\n2 3\n").remarks[0]


@pytest.mark.parametrize("kind", ["graph", "points", "texts"])
def test_what_a_txt_file_holds_may_be_said(tmp_path: Path, kind: Any) -> None:
    assert text(tmp_path, "file.txt", "1 2\n2 3\n", read_as=kind).kind == kind


def test_comments_alone_are_no_points(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"file.txt: has comments and no row"):
        text(tmp_path, "file.txt", "# 1\n", read_as="points")


def test_blank_lines_are_no_texts(tmp_path: Path) -> None:
    assert text(tmp_path, "file.txt", "one text\n\n  \nanother\n").content == ["one text", "another"]


def test_blank_lines_among_texts_are_counted(tmp_path: Path) -> None:
    found = text(tmp_path, "file.txt", "one text\n\n  \nanother\n")
    assert found.remarks == ["left out, empty: line 2 and 1 more"]


def test_several_columns_of_text_are_joined(tmp_path: Path) -> None:
    found = text(tmp_path, "news.csv", 'c,t,d\n3,Up,"and, down"\n4,,Alone\n', text_column=["t", "d"], label_column="c")
    assert found.labels is not None
    assert (found.content, found.labels.tolist()) == (["Up and, down", "Alone"], ["3", "4"])


def test_the_label_is_no_dim(tmp_path: Path) -> None:
    found = text(tmp_path, "points.csv", "x,y,kind\n1,2,0\n3,4,1\n", label_column="kind")
    assert (found.content.tolist(), found.names) == (POINTS.tolist(), ["x", "y"])


def test_a_column_that_sounds_like_a_label_is_remarked(tmp_path: Path) -> None:
    found = text(tmp_path, "points.csv", "x,label\n1,0\n3,1\n")
    assert "--data.label_column label makes it the label" in found.remarks[0]


def test_a_table_may_be_a_list_of_edges(tmp_path: Path) -> None:
    found = text(tmp_path, "graph.csv", "source,target\na,b\n", read_as="graph")
    assert (found.kind, found.names) == ("graph", ["a", "b"])


def test_a_table_that_looks_like_a_list_of_edges_is_remarked(tmp_path: Path) -> None:
    found = text(tmp_path, "graph.csv", "source,target,weight\na,b,1\nb,c,2\n")
    assert found.kind == "points"
    assert "'weight' is a number beside two columns of names; --data.read_as graph" in found.remarks[1]
    with pytest.raises(DataError, match=r"--data\.read_as graph"):
        text(tmp_path, "unweighted.csv", "source,target\na,b\nb,c\n")
    assert len(text(tmp_path, "points.csv", "x,z,name,place\n1,2,a,b\n2,1,b,c\n").remarks) == 1


def test_utf_16_is_read_where_it_is_marked(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("x,y\n1,2\n", encoding="utf-16")
    assert read(tmp_path / "points.csv").content.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.npy", b"", "a.npy: the file is empty"),
        ("a.csv", b"x,y\n1,\xe9\n", r"a.csv:2: "),
        ("a.csv", b"\xef\xbb\xbfx,y\n\xe9,1\n", r"a.csv:2: "),
        ("a.csv.gz", b"no gzip", "a.csv.gz: damaged, or not a .gz file"),
        ("a.docx", b"1", "cannot tell from the suffix '.docx' what it holds; expected one of .npy, .npz"),
        ("a.gml", b"graph [ ]", r"behind. networkx makes a list of edges of it: graph = networkx.read_gml\(FILE\)"),
        ("a.gz", gzip.compress(b"1", mtime=0), "cannot tell from the suffix ''"),
        ("a.csv", b"x,y\n1,2\n\n3,nan\ninf,4\n", r"a.csv:4: expected finite numbers, got 2 .* in row 1, column 'y'"),
        ("a.mtx", b"%%MatrixMarket matrix coordinate real general\n3 2 1\n2 1 nan\n", "in row 1, column 0"),
        ("a.txt", b"1 2\n3 4 5\n", r"a.txt:2: has 3 fields, but the first row has 2"),
        ("a.txt", b"1 2\n,\n3 4\n5 6\n", r"a.txt:2: has commas and no number"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(tmp_path / name)


def test_numbers_that_are_not_finite_are_counted(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[1, 2], [3, np.inf], [np.nan, np.nan]]))
    with pytest.raises(DataError, match="got 3 that are missing, NaN or infinite; the first in row 1, column 1"):
        read(tmp_path / "a.npy")


@pytest.mark.parametrize("name", ["none.npy", "."])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"cannot be read: (No such file|Is a directory)"):
        read(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "choice", "option"),
    [
        ("a.csv", {"key": "X"}, "--data.key X"),
        ("a.npy", {"text_column": ["t"]}, "--data.text_column"),
        ("a.png", {"columns": [0]}, "--data.columns"),
        ("a.edges", {"label_column": 0}, "--data.label_column 0"),
        ("a.npz", {"header": False}, "--data.header False"),
        ("a.npy", {"read_as": "texts"}, "--data.read_as texts"),
    ],
)
def test_an_option_that_means_nothing_is_refused(
    tmp_path: Path, name: str, choice: dict[str, Any], option: str
) -> None:
    write(tmp_path / name)
    with pytest.raises(UsageError, match=f"{option}.*{name} cannot be read so"):
        read(tmp_path / name, Choice(**choice))


def test_texts_in_a_table_need_their_column(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--data.text_column NAME"):
        text(tmp_path, "news.csv", "t\nHello\n", read_as="texts")


def test_what_means_nothing_for_another_file_is_dropped() -> None:
    choice = Choice(columns=["x"], text_column=["t"], key="X", header=True, read_as="texts")
    assert without_unused(choice, Path("new.npy")) == Choice()


def test_lines_are_texts_where_the_table_had_texts() -> None:
    assert without_unused(Choice(text_column=[1], label_column=0), Path("new.txt")) == Choice(read_as="texts")


def test_what_means_something_for_another_file_is_kept() -> None:
    choice = Choice(columns=["x"], label_column="y", header=True)
    assert without_unused(choice, Path("new.csv.gz")) == choice


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-32-be"])
def test_text_may_be_in_any_unicode_encoding(tmp_path: Path, encoding: str) -> None:
    def source(name: str, content: str) -> Source:
        (tmp_path / name).write_bytes(content.encode(encoding))
        return read(tmp_path / name)

    assert source("a.csv", "x;y\n1;2\n").content.tolist() == [[1, 2]]
    assert source("a.txt", "Привет мир\n").content == ["Привет мир"]
    assert source("a.edges", "ä ö\n").names == ["ä", "ö"]
    assert source("a.jsonl", '{"text": "Привет"}\n').content == ["Привет"]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "a.edges", "a.mtx"])
def test_nul_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"1 2\n3\x004 5 6 7 8 9\n")
    with pytest.raises(DataError, match=rf"{name}:2: holds NUL characters, the first at offset 5"):
        read(tmp_path / name)


def test_json_lines_are_texts_with_labels_by_their_usual_names(tmp_path: Path) -> None:
    found = text(tmp_path, "a.jsonl", '{"Sentence": "Hello", "label": 1}\n{"Sentence": "Good bye", "label": 0}\n')
    assert (found.kind, found.content, np.asarray(found.labels).tolist()) == (
        "texts",
        ["Hello", "Good bye"],
        ["1", "0"],
    )


def test_json_lines_of_numbers_are_points(tmp_path: Path) -> None:
    found = text(tmp_path, "a.jsonl", '{"x": 1, "y": 2, "kind": "a"}\n', label_column="kind")
    assert (found.kind, found.content.tolist(), found.names) == ("points", [[1, 2]], ["x", "y"])


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_a_damaged_file_of_numpy_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    write(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    for place in range(0, len(whole), 7):
        (tmp_path / name).write_bytes(whole[:place] + b"(" + whole[place + 1 :])
        try:
            read(tmp_path / name)
        except DataError as error:
            assert name in str(error)


def test_tables_without_a_header_are_read_by_number() -> None:
    found = read(shared("reuters_r8.tsv.gz"), Choice(text_column=[1], label_column=0))
    assert found.labels is not None
    assert (len(found.content), len(set(found.labels.tolist()))) == (7674, 8)


def test_texts_of_several_columns_are_read_by_number() -> None:
    found = read(shared("ag_news_test.csv.gz"), Choice(text_column=[1, 2], label_column=0))
    assert len(found.content) == 7600
    assert found.content[0].startswith("Fears for T N pension after talks Unions representing workers")


@pytest.mark.parametrize(
    ("name", "nodes", "edges"), [("karate", 34, 78), ("polbooks", 105, 441), ("football", 115, 613)]
)
def test_measured_graphs_are_read(name: str, nodes: int, edges: int) -> None:
    found = read(shared(f"{name}.npz"))
    assert (found.content.shape[0], found.content.nnz) == (nodes, 2 * edges)


def test_an_image_is_read() -> None:
    found = read(shared("bsds/101027.jpg"))
    assert (found.image_shape, found.content.shape) == ((321, 481, 3), (321 * 481, 5))


def test_more_columns_than_rows_are_read() -> None:
    assert read(shared("all_leukemia.npz"), Choice(label_column="BT")).content.shape == (128, 12625)


def test_a_large_array_stays_in_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(0).random((300, 2))
    np.save(tmp_path / "points.npy", points)
    monkeypatch.setattr(reading, "LARGE", 1)
    content = reading.read(tmp_path / "points.npy").content
    assert isinstance(content, np.memmap)
    assert np.array_equal(content, points)


def test_where_a_large_array_is_not_finite_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.zeros((300, 2))
    points[[123, 250], 1] = np.nan
    np.save(tmp_path / "points.npy", points)
    monkeypatch.setattr(reading, "LARGE", 1)
    monkeypatch.setattr(reading, "ROWS", 100)
    with pytest.raises(DataError, match="got 2 that are missing, NaN or infinite; the first in row 123, column 1"):
        reading.read(tmp_path / "points.npy")


def test_a_large_array_that_ends_early_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "points.npy", np.zeros((300, 2)))
    monkeypatch.setattr(reading, "LARGE", 1)
    (tmp_path / "points.npy").write_bytes((tmp_path / "points.npy").read_bytes()[:-9])
    with pytest.raises(DataError, match="cannot be read as an array"):
        reading.read(tmp_path / "points.npy")
