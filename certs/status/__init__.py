"""Certificate status: lists (RFC 5280 §5) and answers (RFC 6960), read and judged; none fetched."""
