"""Writes tweets: draws them from a language model, many at once, token by token; see ``generating.generate``."""
