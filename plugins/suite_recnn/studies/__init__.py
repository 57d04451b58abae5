"""The plugin's own verbs: on jets, and on trained networks."""
