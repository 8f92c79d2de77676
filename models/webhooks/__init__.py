"""Where events are sent: endpoints, deliveries, signatures."""
