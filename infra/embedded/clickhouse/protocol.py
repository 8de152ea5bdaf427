"""What the owner process and those who start it agree on."""

IDENTITY_PATH = "/owner"
