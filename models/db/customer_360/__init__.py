"""The 360 view and acting from it: its SQL."""
