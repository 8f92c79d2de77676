"""Approvals, whatever is approved: the chain of steps, its deadlines, what is answered of it."""
