"""What users notice when a busy table is changed while somebody reads it."""
