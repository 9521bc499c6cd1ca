"""How gas becomes a number, and a number gas again; and where gas goes.

Pure functions over arrays: voltage, resistance, ratio, concentration, and the way back.
"""
