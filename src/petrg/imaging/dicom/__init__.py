"""DICOM: the only reader of vendor tags."""
