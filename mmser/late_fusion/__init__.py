"""late_fusion."""
