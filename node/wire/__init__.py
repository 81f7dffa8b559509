"""The only conversions between generated messages (`huxin.v1`) and the model.

What comes in is read strictly: unknown enum numbers, bad dates and missing fields raise `InvalidInput` with the path
of the field. What goes out is deterministic to the byte.
"""
