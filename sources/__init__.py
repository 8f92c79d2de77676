"""External systems that serve panels of the 360 view: one protocol, a guard round every call, an adapter per system."""
