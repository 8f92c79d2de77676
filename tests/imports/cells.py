"""What files say of an address and of a contact, in more than one test."""

HULL = {
    "type": "billing", "lines": ["9 Quay"], "city": "Hull", "region": "Yorks", "postal_code": "HU1", "country": "GB",
}  # fmt: skip
ANN = {"name": "Ann Lee", "email": "ann@k.com", "phone": "+44 1", "role": "CFO"}
