"""The parsers of dsa: labelled sentences, and word vectors."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np

from suite_dsa.sources.columns import Columns
from suite_dsa.sources.label_text import read_rated
from suite_dsa.sources.reading import read as read_sentences
from suite_dsa.sources.reading import read_unlabelled
from suite_dsa.vectors.reading import read_vectors
from tests.trust.parsers import Parser, Seed
from tests.trust.valid_files import LABELS, TEXTS, lines, objects, packed, saved, tables


def _sentences(path: Path) -> Any:
    return read_sentences(path, Columns(), None, phrases=False)


def _phrases(path: Path) -> Any:
    return read_sentences(path, Columns(), None, phrases=True)


def _examples(table: Any) -> list[Any] | None:
    return None if table.dropped else [(example.texts, example.label) for example in table.examples]


TREES = (
    b"(3 (2 It) (4 works))\n(1 (1 (2 A) (1 dull)) (2 film))\n(2 -LRB-)\n(4 (4 fun) (2 (2 and) (3 (2 a\\/b) (2 .))))\n"
)


def _label_texts() -> list[Seed]:
    spaced, tabbed = (
        "".join(f"{label}{mark}{text}\n" for label, text in zip(LABELS, TEXTS, strict=True)).encode() for mark in " \t"
    )
    return [
        Seed("a.txt", spaced),
        Seed("a.txt", tabbed),
        Seed("stsa.binary.train", b"1 a warm film\n0 a dull one\n1 good\n"),
        Seed("stsa.fine.test", b"4 a warm film\n0 a dull one\n2 so so\n"),
    ]


def _pairs() -> list[Seed]:
    labels = b"entailment\nneutral\ncontradiction\n"
    return [Seed("s1.train", b"a b\nc d\ne f\n", {"s2.train": b"g\nh\ni\n", "labels.train": labels})]


def _vectors_of(path: Path) -> Any:
    return read_vectors(str(path), ["film", "the", "свет"], extra_words=2)


def _vectors() -> list[Seed]:
    rows = "the 0.5 1 -2e-3\nfilm 3 4 5\nсвет 1 1 1\nof 0 0 1\n"
    return [
        Seed("glove.txt", rows.encode()),
        Seed("wiki.vec", f"4 3\n{rows}".replace("\n", " \n").encode()),
        Seed("glove.txt.gz", gzip.compress(rows.encode())),
        Seed("google.bin", b"2 3\nthe " + np.ones(3, "<f4").tobytes() + b"\nfilm " + np.ones(3, "<f4").tobytes()),
    ]


def _npz_vectors() -> list[Seed]:
    array = saved(lambda file: np.savez(file, vectors=np.ones((3, 4), dtype=np.float16)))
    packed = saved(lambda file: np.savez_compressed(file, vectors=np.ones((3, 4), dtype=np.float32)))
    return [
        Seed("v.npz", array, {"v_words.txt": b"the\nfilm\nof\n"}),
        Seed("v.npz", packed, {"v_words.tsv": b"the\t0\nfilm\t1\nfilms\t1\n"}),
        Seed("v_words.txt", b"the\nfilm\nof\n", {"v.npz": array}),
        Seed("v_words.tsv", b"the\t0\nfilm\t1\nfilms\t1\n", {"v.npz": packed}),
    ]


def _vectors_beside(path: Path) -> Any:
    return _vectors_of(path.with_name("v.npz"))


PARSERS = (
    Parser("dsa: tables", _sentences, tables, _examples, 1),
    Parser("dsa: objects", _sentences, lambda: [Seed("a.jsonl", objects())], _examples),
    Parser("dsa: trees", _phrases, lambda: [Seed("trees.txt", TREES)]),
    Parser("dsa: lines with labels", _sentences, _label_texts, _examples),
    Parser("dsa: pairs", _sentences, _pairs, _examples),
    Parser("dsa: rated lines", lambda path: read_rated(path, 0.5), lambda: [Seed("r.txt", b"1\t2.5\ta b\n2\t-1\tc\n")]),
    Parser(
        "dsa: sentences to embed",
        lambda path: read_unlabelled(path, Columns(), None),
        lambda: packed("a.txt", lines()),
        list,
    ),
    Parser("dsa: vectors as text", _vectors_of, _vectors),
    Parser("dsa: vectors as .npz", _vectors_beside, _npz_vectors),
)
