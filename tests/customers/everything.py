"""A customer with everything that belongs to one."""

from typing import Any

EVERYTHING: dict[str, Any] = {
    "phone": "+1 (212) 555-0100 ext. 7",
    "website": "https://acme.example.com",
    "billing_email": "billing@acme.example.com",
    "notes": "Pays on Fridays.\nAsk for Ann.",
    "customer_type": "enterprise",
    "credit_limit": 100000,
    "payment_terms": "NET45",
    "currency_code": "USD",
    "tax_code": "STANDARD",
    "revenue_account": "revenue",
    "addresses": [
        {
            "type": "billing",
            "lines": ["1 High St", "Floor 2"],
            "city": "New York",
            "region": "NY",
            "postal_code": "10001",
            "country": "US",
        },
        {"type": "shipping", "lines": ["2 Low St"], "city": "Leeds", "country": "GB"},
    ],
    "pricing_tiers": [
        {"item": "WIDGET", "price": "9.50", "min_quantity": 1, "max_quantity": 99},
        {
            "item": "WIDGET",
            "price": "8.25",
            "min_quantity": 100,
            "effective_from": "2026-01-01",
            "effective_to": "2030-12-31",
        },
    ],
    "tax_profiles": [{"tax_code": "EXEMPT", "certificate_number": "C-1", "certificate_expires_on": "2031-01-31"}],
    "contacts": [{"name": "Ann Lee", "email": "ann@acme.example.com", "phone": "212 555 0101", "role": "AP"}],
    "entity_overrides": [
        {"legal_entity_id": "le_uk", "credit_limit": 80000, "credit_limit_currency": "EUR", "payment_terms": "NET60"}
    ],
    "metadata": {"crm": {"id": 7, "score": "0.1", "weights": [0.25, 1000.0]}},
}
