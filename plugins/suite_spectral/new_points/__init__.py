"""Labels of points that were not clustered."""
