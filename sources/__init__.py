"""External systems that serve panels of the 360 view and customers to import: protocols, a guard, an adapter per system."""
