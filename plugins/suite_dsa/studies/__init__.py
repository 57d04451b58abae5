"""What a trained encoder attends to (figures 2, 3 and 4), and how it stands beside simple classifiers."""
