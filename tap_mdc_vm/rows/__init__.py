"""One row of Resource Graph in, one record of a stream out."""
