"""The 360 view and acting from it: what one transaction does."""
