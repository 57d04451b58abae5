"""Files of jets: ``reading`` tells the formats apart, a file each for what is peculiar to one.

``columns`` knows what momenta are called in them, ``momenta`` packs and checks what was read.
"""
