"""Collects the tweets of an account into one CSV file: page by page from the X API, or out of a file that has them."""
