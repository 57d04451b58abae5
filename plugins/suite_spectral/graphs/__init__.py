"""Similarity graphs: how heavy the edge between two points is."""
