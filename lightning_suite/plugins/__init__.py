"""Finds the plugins that are installed, checks what they bring, and explains what is wrong with a broken one.

find          names and paths to records: ``find.get(name)``, ``find.names()``
records       imports the record of an installed plugin
load          imports what a record names: ``load.resolve(plugin, "module")``
check         compares a record, or a class, with what it should be
explain       the error of a broken plugin: cause, origin, repair
diagnosis     all that is wrong with a plugin, by reading its files or by importing it in another process
source        reads Python modules without importing them
requirements  compares what a distribution needs with what is installed
guard         limits what an import can do to this process
isolated      runs a module in a process of its own
origin        the distribution and entry point that a record comes from
"""
