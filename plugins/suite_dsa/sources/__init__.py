"""Labelled sentences and pairs of sentences from files; ``reading`` recognises the format."""
