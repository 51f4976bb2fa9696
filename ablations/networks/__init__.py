"""Host networks with a place for attention in every block."""
