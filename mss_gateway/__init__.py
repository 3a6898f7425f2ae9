"""MSS Gateway: speaks the protocols and carries a message through its life."""
