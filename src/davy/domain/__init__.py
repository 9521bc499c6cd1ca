"""The words of the house: frozen values with no clock and no I/O.

Everything above speaks in these terms; nothing here imports anything of ours.
"""
