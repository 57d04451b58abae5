"""Tweets, or any short texts, from the files in which people have them: ``reading.read`` says which."""
