"""Labelled sentences and pairs of sentences, from the formats in which they are published; ``reading`` begins."""
