"""The trees that a studied network reads, with the four-momenta of all nodes."""

import os

import numpy as np

from suite_recnn.clustering import Trees, cluster
from suite_recnn.interpretation.subject import Subject
from suite_recnn.preprocessing import preprocess


def trees_of(subject: Subject) -> Trees:
    """Return the trees of a subject's jets, node for node those of its forest.

    The momenta are those after ``--data.preprocess``; of centred jets distances in rapidity and azimuth, transverse
    momenta and masses are as measured.

    Raises:
        AssertionError: the forest was not made of these jets by an algorithm that depends on the jet alone.
    """
    turned = preprocess(subject.jets, subject.data.preprocess)
    threads = os.cpu_count() or 1
    trees = cluster(turned.momenta, turned.offsets, subject.data.algorithm, threads=threads)
    assert np.array_equal(trees.children, subject.forest.children)
    return trees
