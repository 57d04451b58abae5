"""The plugin's own verbs: on an account's tweets, and on trained models."""
