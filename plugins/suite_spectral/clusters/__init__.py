"""From eigenvectors to clusters: k-means, cuts, and how many clusters there are."""
