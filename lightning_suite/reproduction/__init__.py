"""A paper's tables and figures made again: what a plugin declares, run cell by cell, beside the paper's numbers.

A table is a YAML file in the folder that the record names as ``reproductions``; docs/reproductions.md says what it may
hold. Only `parts`, `declared` and `verdicts` are light; the others import torch when they are called.

    parts.py         a table: cells, pictures, the paper's numbers, deviations, needs and cost
    declared.py      reads tables from YAML
    verdicts.py      a cell's values beside the paper's: reproduced, below, above, not comparable, cannot
    fingerprints.py  what determines a result beside the settings: code, versions and data
    words.py         options as words of a command line
    plan.py          the runs and studies that the cells need, each with its key, so that none is made twice
    jobs.py          runs and studies on disk: which are finished, and what makes one or goes on with it
    executors.py     what makes them all, wherever: a failure harms no other
    local.py         as processes of this machine, which go on where they were interrupted
    slurm.py         as jobs of SLURM's, by submitit
    searching.py     choices of options that Optuna makes
    results.py       the values of finished runs and studies, cell by cell
    written.py       a table as text, Markdown, CSV and JSON
"""
