"""Finds the plugins that are installed, checks what they bring, and explains what is wrong with a broken one.

find          gives the record of a plugin by its name or path: ``find.get(name)``, ``find.names()``
records       reads the record of an installed plugin, apart from this process where it is only looked at
literal       takes a record from the source of its module, where it is written in literals
resolve       imports what a record names: ``resolve(plugin, "module")``
check         compares a record, or a class, with what it should be
explain       words the error of a broken plugin: cause, origin, repair
diagnosis     finds all that is wrong with a plugin by reading its files
trial         finds it by importing everything that the plugin names, in another process
source        reads Python modules without importing them
requirements  compares what a distribution needs with what is installed
guard         limits what an import can do to this process
other_name    makes ``lightning`` another name of ``pytorch_lightning``
isolated      runs a module in a process of its own
origin        the distribution and entry point, or the path, that a record comes from
"""
