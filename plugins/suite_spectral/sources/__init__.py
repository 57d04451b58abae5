"""What files and samples hold: points, texts, graphs and images."""
