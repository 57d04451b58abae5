"""A trained encoder in the shape that other libraries expect; each file imports one of them, and nothing imports it."""
