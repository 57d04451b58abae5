"""What physicists measure of jets: `measures`, a `table` of several by name, and their `distributions`."""
