"""The user and the database that the embedded stores are made with."""

EMBEDDED_USER = "tillstream"
EMBEDDED_DATABASE = "tillstream"
