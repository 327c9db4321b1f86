"""What clients of the API use: its description, a Postman collection, a walk with curl."""
