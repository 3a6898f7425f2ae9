"""An authority of our own: requests, drafts, profiles, and what it signs."""
