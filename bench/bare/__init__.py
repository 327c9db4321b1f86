"""The bare application that the endpoints are compared with: Django as `startproject` leaves it, DRF and SimpleJWT.

It serves the same paths from the same tables. Each view authenticates the token, reads or writes one row by an index,
and answers; passwords are hashed as anywhere. No rule, no lock, no check that DRF does not make by itself.
"""
