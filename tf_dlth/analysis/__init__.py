"""The mathematics of the paper's analyses, in NumPy: arrays go in, numbers come out; nothing is read or drawn here."""
