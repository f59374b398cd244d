"""Everything that talks to Azure: addresses, TLS, sign-in, and Resource Graph."""
