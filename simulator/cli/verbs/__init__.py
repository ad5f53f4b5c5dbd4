"""Verbs: one file each, found by listing this folder.

The file of a verb is named as the verb and holds a click command, ``verb``. At its top it imports
only click and ``simulator.cli.options`` and ``output``, so that help comes at once; everything
else is imported in the command.
"""
