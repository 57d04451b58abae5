"""Word vectors from files and packages, and the embedding table that a vocabulary points into."""
