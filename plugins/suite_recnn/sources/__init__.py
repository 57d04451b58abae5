"""Files of jets: ``reading`` recognises the format, and each format has a module.

``columns`` knows the names of momenta in files, ``arrays`` reads them from arrays of any kind, ``momenta`` checks and
packs the values, ``units`` tells where they cannot be in the unit that was given. ``top_tagging`` and ``energyflow``
are sets with a layout of their own; ``root_fields`` describes trees and RNTuples, ``hdf5_heaps`` finds damage.
"""
