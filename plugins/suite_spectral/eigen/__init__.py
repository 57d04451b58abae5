"""The eigenvectors of a graph's normalised Laplacian."""
