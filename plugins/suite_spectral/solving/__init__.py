"""From points, features or a graph to clusters, by one of the routes."""
