"""What a trained encoder attends to: attention maps (figures 3 and 4) and dynamic weight vectors (figure 2)."""
