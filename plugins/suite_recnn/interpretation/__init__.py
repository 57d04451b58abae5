"""What a trained network has learnt: studies of a run, each a Python function that returns its numbers."""
