"""Files of jets: ``reading`` recognises the format, and each format has a module.

``columns`` knows the names of momenta in files, ``momenta`` checks and packs the values.
"""
