"""Pictures of clusters (PNG), each with its numbers beside it (CSV): what is drawn can be drawn again elsewhere."""
