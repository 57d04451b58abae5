"""Simulated jets: ``collisions`` (Pythia), ``detector``, and ``production`` of whole files by many processes."""
