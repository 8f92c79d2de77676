"""The 360 view and acting from it: types and pure rules."""
